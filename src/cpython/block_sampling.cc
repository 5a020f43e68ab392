#include "cpython/block_sampling.h"

#include "cpython/block_books.h"

namespace heapledger::cpython {
namespace {

std::uint64_t combined(std::uint64_t hash, std::uint64_t place) noexcept {
  hash = (hash ^ place) * 0x9E3779B97F4A7C15ULL;
  return hash ^ hash >> 32;
}

// 0: its text found no room.
std::uint16_t place_id(Engine& e, const PythonFrame& frame, std::uint64_t hash) noexcept {
  const std::uint16_t known = engine::find_place(e, hash);
  if (known != 0) return known;
  FrameText text;
  text_of(frame, text);
  return engine::add_place(e, hash, text.function, text.function_bytes, text.file, text.file_bytes, text.line);
}

}  // namespace

std::uint16_t stack_of(Engine& e, const PythonFrame* frames, std::size_t depth, bool truncated) noexcept {
  std::uint64_t hashes[ledger::kStackPlaces];
  if (depth == 0 || depth > ledger::kStackPlaces) return 0;
  places_of(frames, depth, hashes);
  std::uint64_t hash = depth;
  for (std::size_t i = 0; i < depth; ++i) hash = combined(hash, hashes[i]);
  const std::uint16_t known = engine::find_stack(e, hash);
  if (known != 0) return known;
  std::uint16_t places[ledger::kStackPlaces];
  for (std::size_t i = 0; i < depth; ++i) {
    places[i] = place_id(e, frames[i], hashes[i]);
    if (places[i] != 0) continue;
    e.ledger.header.lost_samples.fetch_add(1, std::memory_order_relaxed);
    return 0;
  }
  return engine::add_stack(e, hash, places, depth, truncated);
}

namespace {

std::uint16_t current_stack(Engine& e, const PyThreadState* state) noexcept {
  PythonFrame frames[ledger::kStackPlaces];
  bool truncated = false;
  const std::size_t depth = state == nullptr ? 0 : walk_stack(state, frames, ledger::kStackPlaces, truncated);
  return stack_of(e, frames, depth, truncated);
}

}  // namespace

bool sample_block(const void* block, std::size_t bytes, std::uint16_t owner, const PyThreadState* state) noexcept {
  Engine& e = books();
  const bool under_gil = state != nullptr;
  const double mean_bytes = under_gil ? e.sampler.mean_bytes : engine::kMeanBytes;
  const bool fresh_thread = !under_gil && t_owner.sampling == 0;  // its countdown was never drawn
  (under_gil ? e.sampler.room_bytes : t_owner.sample_room_bytes) = engine::draw_room(e, mean_bytes);
  if (!under_gil) t_owner.sampling = 1;
  if (fresh_thread || e.frozen || !engine::wants_stack(e, owner)) return false;
  if (!under_gil) state = PyGILState_GetThisThreadState();
  if (state != nullptr && !in_main_interpreter(state)) return false;
  const engine::Hold hold(e);
  if (!hold) {
    e.ledger.header.lost_samples.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  return engine::add_sample(e, reinterpret_cast<std::uintptr_t>(block), bytes, owner, current_stack(e, state),
                            mean_bytes);
}

}  // namespace heapledger::cpython
