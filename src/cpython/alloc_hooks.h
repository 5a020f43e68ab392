// The hooks on CPython's allocators: RAW, MEM, OBJ and the arenas. Installed once, never removed.
//
// Two rules, chosen at start by how the allocators behave, not by their names:
//   pools   MEM and OBJ serve 1 to 512 bytes from pymalloc pools, all else through RAW. The MEM and OBJ hooks book the
//           small blocks and forward the rest: the RAW hook nested below books those, so each block is counted once.
//   whole   (PYTHONMALLOC=malloc, debug, mimalloc) the outermost hook books every block, as requested, in the word map;
//           a thread-local mark keeps the RAW calls nested below out of the books.
// What the hooks promise: the inner allocator is called exactly as without us, its result returned unchanged; no Python
// API but the owner lookup; frees never look up; nothing waits. A block is forgotten before its free and before its
// realloc, and remembered again when that fails.
#pragma once

#include <cstdint>

namespace heapledger::cpython {

enum class BlockRule : std::uint8_t { kPools, kWhole };

struct RuleFound {
  BlockRule rule;
  unsigned granule_shift;
  const char* name;  // for the ledger's header and doctor
};

// How do the allocators in force behave? Before install_hooks(); allocates a few hundred blocks and frees them.
RuleFound find_rule() noexcept;

// GIL held, books open. Twice is a no-op.
void install_hooks(const RuleFound& found) noexcept;

// Do allocations still reach our hooks, in every domain? Allocates a small block in each; books open.
bool hooks_are_reached() noexcept;

// Give the block at this object's address to the running request. False: not a block we know.
bool adopt_block(const void* block) noexcept;

}  // namespace heapledger::cpython
