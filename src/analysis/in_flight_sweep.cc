#include "analysis/in_flight_sweep.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/live_curves.h"
#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

// Whole, so that what is added and taken off again leaves nothing.
double bytes_in(const SweptRequest& request, std::size_t part) {
  return std::floor(static_cast<double>(request.peak_bytes) * curve_level(request.curve, part) / kFullLevel);
}

std::int64_t end_of(const SweptRequest& request) { return add_limited(request.started_us, request.duration_us); }

// Never after its end, however large a duration is.
std::int64_t moment_of(const SweptRequest& request, double share) {
  const double offset = std::min(static_cast<double>(request.duration_us) * share, 4e18);
  return std::min(add_limited(request.started_us, static_cast<std::int64_t>(offset)), end_of(request));
}

}  // namespace

// The next part whose level is another.
void InFlightSweep::schedule_level(std::uint32_t slot, std::size_t part) {
  const SweptRequest& request = *slots_[slot].request;
  const unsigned level = curve_level(request.curve, part);
  std::size_t next = part + 1;
  while (next < kCurveParts && curve_level(request.curve, next) == level) ++next;
  if (next < kCurveParts) {
    const double share = static_cast<double>(next) / kCurveParts;
    events_.push({moment_of(request, share), Kind::kLevel, static_cast<std::uint8_t>(next), slot});
  }
}

void InFlightSweep::set_level(Open& open, double bytes) {
  live_bytes_ += bytes - open.live_bytes;
  open_bytes_[open.request->endpoint] += bytes - open.live_bytes;
  open.live_bytes = bytes;
}

void InFlightSweep::start(const SweptRequest& request) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  Open& open = slots_[slot];
  open.request = &request;
  open.live_bytes = 0;
  open.first_moment = moments_;
  open.beside.assign(open_endpoints_.begin(), open_endpoints_.end());
  set_level(open, bytes_in(request, 0));
  schedule_level(slot, 0);
  events_.push({moment_of(request, request.peak_percent / 100.0), Kind::kPeak, 0, slot});
  events_.push({end_of(request), Kind::kEnd, 0, slot});
  if (open_count_[request.endpoint]++ == 0) {
    place_[request.endpoint] = static_cast<std::uint32_t>(open_endpoints_.size());
    open_endpoints_.push_back(request.endpoint);
  }
}

void InFlightSweep::note_moment(const Event& event, const Look& look) {
  const Open& open = slots_[event.slot];
  const double more = static_cast<double>(open.request->peak_bytes) - open.live_bytes;
  const double bytes = live_bytes_ + more;
  while (!highest_.empty() && highest_.back().bytes <= bytes) highest_.pop_back();
  highest_.push_back({moments_++, bytes});
  look({event.at_us, bytes, open_endpoints_, open_count_, open_bytes_, open.request->endpoint, more});
}

double InFlightSweep::highest_since(std::uint64_t moment) const {
  const auto first = std::lower_bound(highest_.begin(), highest_.end(), moment,
                                      [](const Moment& one, std::uint64_t number) { return one.number < number; });
  return first == highest_.end() ? 0 : first->bytes;
}

void InFlightSweep::finish(std::uint32_t slot, const Visit& visit) {
  Open& open = slots_[slot];
  const SweptRequest& request = *open.request;
  set_level(open, 0);
  const std::uint32_t endpoint = request.endpoint;
  if (--open_count_[endpoint] == 0) {
    const std::uint32_t last = open_endpoints_.back();
    open_endpoints_[place_[endpoint]] = last;
    place_[last] = place_[endpoint];
    open_endpoints_.pop_back();
  }
  visit(request, open.beside, highest_since(open.first_moment));
  free_slots_.push_back(slot);
}

void InFlightSweep::advance(std::int64_t until_us, const Visit& visit, const Look& look) {
  while (!events_.empty() && events_.top().at_us <= until_us) {
    const Event event = events_.top();
    events_.pop();
    Open& open = slots_[event.slot];
    switch (event.kind) {
      case Kind::kLevel:
        set_level(open, bytes_in(*open.request, event.part));
        schedule_level(event.slot, event.part);
        break;
      case Kind::kPeak:
        note_moment(event, look);
        break;
      case Kind::kEnd:
        finish(event.slot, visit);
        break;
    }
  }
}

void InFlightSweep::run(std::span<const SweptRequest> by_start, const Visit& visit, const Look& look) {
  for (const SweptRequest& request : by_start) {
    advance(request.started_us, visit, look);
    start(request);
  }
  advance(std::numeric_limits<std::int64_t>::max(), visit, look);
  highest_.clear();
}

}  // namespace heapledger::analysis
