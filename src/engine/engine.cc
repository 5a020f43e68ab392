#include "engine/engine.h"

namespace heapledger::engine {

static_assert(alignof(Engine) == ledger::kPageBytes);

}  // namespace heapledger::engine

// Raw bytes rather than an object: an object with atomics in it could be given a constructor that runs at load.
extern "C" {
alignas(4096) HL_EXPORT char hl_engine_storage[sizeof(heapledger::engine::Engine)];
}
