#include "engine/addresses.h"

#include <atomic>
#include <cstring>

// The linker's own names for what a shared library zeroes at load: here the engine's, as the symbols are hidden.
extern "C" __attribute__((visibility("hidden"))) char __bss_start[];  // NOLINT(bugprone-reserved-identifier)
extern "C" __attribute__((visibility("hidden"))) char _end[];         // NOLINT(bugprone-reserved-identifier)

namespace heapledger::engine {
namespace {

constexpr std::uint64_t kArena = std::uint64_t{1} << 20;
constexpr std::uint64_t kCountMask = ledger::kPageBytes - 1;  // arenas are aligned to pages, and to no more

std::uint64_t address_of(std::uint64_t run) noexcept { return run & ~kCountMask; }
std::uint64_t length_of(std::uint64_t run) noexcept { return run & kCountMask; }
std::uint64_t end_of(std::uint64_t run) noexcept { return address_of(run) + length_of(run) * kArena; }

bool add_run(ArenaRuns& arenas, std::uint64_t address, std::uint64_t length) noexcept {
  if (length == 0) return true;
  if (arenas.count == ledger::kArenaRuns) return false;
  arenas.runs[arenas.count++] = address | length;
  return true;
}

}  // namespace

void arena_came(Engine& e, std::uintptr_t address) noexcept {
  ArenaRuns& arenas = e.arenas;
  if ((address & kCountMask) != 0) return;
  // The kernel mostly puts the next one right below or above.
  std::uint64_t* grown = nullptr;
  for (std::uint32_t i = 0; i < arenas.count && grown == nullptr; ++i) {
    std::uint64_t& run = arenas.runs[i];
    if (length_of(run) == kCountMask) continue;
    if (end_of(run) == address)
      grown = &(++run);
    else if (address_of(run) == address + kArena)
      grown = &(run = address | (length_of(run) + 1));
  }
  if (grown == nullptr && !add_run(arenas, address, 1)) ++arenas.untold;
  publish_addresses(e);
}

void arena_went(Engine& e, std::uintptr_t address) noexcept {
  ArenaRuns& arenas = e.arenas;
  for (std::uint32_t i = 0; i < arenas.count; ++i) {
    const std::uint64_t run = arenas.runs[i];
    if (address < address_of(run) || address >= end_of(run)) continue;
    const std::uint64_t before = (address - address_of(run)) / kArena;
    const std::uint64_t after = length_of(run) - before - 1;
    arenas.runs[i] = arenas.runs[--arenas.count];
    add_run(arenas, address_of(run), before);  // takes the place that was just given up
    if (!add_run(arenas, address + kArena, after)) arenas.untold += static_cast<std::uint32_t>(after);
    publish_addresses(e);
    return;
  }
  if (arenas.untold > 0) --arenas.untold;  // or it was there before us
}

void publish_addresses(Engine& e) noexcept {
  ledger::KnownAddresses& known = e.ledger.sample.addresses;
  const std::uint64_t version = known.version.load(std::memory_order_relaxed);
  known.version.store(version + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);  // odd before the fields; acquire in LedgerView
  // A program that links the engine itself has the storage in its own memory (a copy relocation).
  const auto begin = reinterpret_cast<std::uintptr_t>(&__bss_start[0]);
  const auto end = reinterpret_cast<std::uintptr_t>(&_end[0]);
  const auto storage = reinterpret_cast<std::uintptr_t>(&hl_engine_storage[0]);
  const bool inside = storage >= begin && storage < end;
  known.own_address = inside ? begin : storage;
  known.own_bytes = inside ? end - begin : sizeof(Engine);
  known.run_count = e.arenas.count;
  known.untold_arenas = e.arenas.untold;
  std::memcpy(known.runs, e.arenas.runs, e.arenas.count * sizeof(known.runs[0]));
  known.version.store(version + 2, std::memory_order_release);
}

}  // namespace heapledger::engine
