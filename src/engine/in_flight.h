// How many requests were in flight at most since request n began: a list of suffix maxima, values strictly falling,
// so that a later, higher value wipes out what it surpasses. note: amortised constant; ask: a binary search.
// Under the GIL. Never allocates: values are bounded by the owner slots, and so is the list.
#pragma once

#include <algorithm>

#include "engine/engine.h"

namespace heapledger::engine {

inline void note_in_flight(Engine& e, std::uint64_t sequence, std::uint32_t value) noexcept {
  std::uint32_t& count = e.in_flight_maxima_count;
  while (count > 0 && e.in_flight_maxima[count - 1].value <= value) --count;
  if (count < std::size(e.in_flight_maxima)) e.in_flight_maxima[count++] = {sequence, value};
}

inline std::uint32_t in_flight_peak_since(const Engine& e, std::uint64_t sequence, std::uint32_t at_least) noexcept {
  const InFlightMaximum* begin = e.in_flight_maxima;
  const InFlightMaximum* end = begin + e.in_flight_maxima_count;
  const InFlightMaximum* first = std::lower_bound(
      begin, end, sequence, [](const InFlightMaximum& m, std::uint64_t asked) { return m.sequence < asked; });
  return first == end ? at_least : std::max(at_least, first->value);
}

}  // namespace heapledger::engine
