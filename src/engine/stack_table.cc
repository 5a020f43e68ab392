// Lines of code and stacks of them, as the ledger holds them: interned, never taken out (engine/sampler.h).
#include <string.h>

#include <algorithm>

#include "engine/engine.h"
#include "engine/id_index.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

std::uint32_t intern_text(Engine& e, const char* text, std::size_t bytes) noexcept {
  std::atomic<std::uint32_t>& used = e.ledger.header.place_string_bytes;
  const std::uint32_t at = used.load(kRelaxed);
  if (at + bytes > ledger::kPlaceStringBytes) return ~std::uint32_t{0};
  memcpy(e.ledger.place_strings + at, text, bytes);
  used.store(at + static_cast<std::uint32_t>(bytes), std::memory_order_release);
  return at;
}

// Files recur in place after place: the last ones' text is used again.
std::uint32_t intern_file(Engine& e, const char* file, std::size_t bytes) noexcept {
  constexpr std::uint32_t kLooksAtMost = 64;
  const std::uint32_t count = e.ledger.header.place_count.load(kRelaxed);
  for (std::uint32_t back = 1; back <= std::min(count, kLooksAtMost); ++back) {
    const ledger::PlaceRecord& place = e.ledger.places[count - back];
    if (place.file_bytes == bytes && memcmp(e.ledger.place_strings + place.file_offset, file, bytes) == 0) {
      return place.file_offset;
    }
  }
  return intern_text(e, file, bytes);
}

}  // namespace

std::uint16_t find_place(const Engine& e, std::uint64_t hash) noexcept {
  return find_in(e.sampler.place_index, hash, [&](std::uint32_t at) { return e.sampler.place_hashes[at] == hash; });
}

std::uint16_t add_place(Engine& e, std::uint64_t hash, const char* function, std::size_t function_bytes,
                        const char* file, std::size_t file_bytes, std::uint32_t line) noexcept {
  std::atomic<std::uint32_t>& count = e.ledger.header.place_count;
  const std::uint32_t at = count.load(kRelaxed);
  if (at >= ledger::kPlaces) return 0;
  const std::uint32_t file_offset = intern_file(e, file, file_bytes);
  const std::uint32_t function_offset = intern_text(e, function, function_bytes);
  if (file_offset == ~std::uint32_t{0} || function_offset == ~std::uint32_t{0}) return 0;
  e.ledger.places[at] = {function_offset, file_offset, line, static_cast<std::uint16_t>(function_bytes),
                         static_cast<std::uint16_t>(file_bytes)};
  e.sampler.place_hashes[at] = hash;
  put_in(e.sampler.place_index, hash, static_cast<std::uint16_t>(at + 1));
  count.store(at + 1, std::memory_order_release);
  return static_cast<std::uint16_t>(at + 1);
}

std::uint16_t find_stack(const Engine& e, std::uint64_t hash) noexcept {
  return find_in(e.sampler.stack_index, hash, [&](std::uint32_t at) { return e.ledger.stacks[at].hash == hash; });
}

std::uint16_t add_stack(Engine& e, std::uint64_t hash, const std::uint16_t* places, std::size_t depth,
                        bool truncated) noexcept {
  std::atomic<std::uint32_t>& count = e.ledger.header.stack_count;
  const std::uint32_t at = count.load(kRelaxed);
  if (at >= ledger::kStacks) return 0;
  ledger::StackRecord& stack = e.ledger.stacks[at];
  stack.hash = hash;
  stack.depth = static_cast<std::uint16_t>(std::min<std::size_t>(depth, ledger::kStackPlaces));
  stack.flags = truncated ? ledger::kStackTruncated : std::uint16_t{0};
  memcpy(stack.places, places, stack.depth * sizeof(places[0]));
  put_in(e.sampler.stack_index, hash, static_cast<std::uint16_t>(at + 1));
  count.store(at + 1, std::memory_order_release);
  return static_cast<std::uint16_t>(at + 1);
}

}  // namespace heapledger::engine
