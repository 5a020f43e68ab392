// One pass through the requests of a worker in the order of time: who was in flight when each started, and the most
// that all requests in flight had live at one moment of it.
//
// Live bytes are those of the curves (live_curves.h), each request's peak at its own moment exact; the moments looked
// at are the peaks of all requests. A request's time is cut by its curve only where the level changes, so the cost is
// O(changes log in-flight) a request, whatever is in flight: thousands of open streams cost no more than a few.
// Memory: by requests in flight, and by moments no later one has reached. Pure; one thread at a time; allocates.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <span>
#include <vector>

namespace heapledger::analysis {

// A request as the sweep wants it. Without a curve of its own: level throughout, at its mean.
struct SweptRequest {
  std::int64_t started_us = 0;
  std::int64_t duration_us = 0;
  std::uint64_t curve = 0;
  std::uint64_t peak_bytes = 0;
  std::uint32_t endpoint = 0;   // any number below `endpoints`
  std::uint32_t in_flight = 0;  // at its start, as the service counted
  std::uint8_t peak_percent = 0;
  bool chosen = true;  // for the visitor
};

// A moment at which a request has its peak: what all requests in flight have live. Dies with the call.
struct MomentView {
  std::int64_t at_us = 0;
  double bytes = 0;
  std::span<const std::uint32_t> endpoints;    // with a request in flight, each once
  const std::vector<std::uint32_t>& requests;  // in flight, by endpoint
  const std::vector<double>& live_bytes;       // by endpoint, but for ...
  std::uint32_t peaking_endpoint = 0;          // ... the peaking request, which has that much more
  double peaking_bytes = 0;
};

class InFlightSweep {
 public:
  // `beside`: the endpoints with a request in flight at its start, each once, in no order. Both die with the call.
  using Visit =
      std::function<void(const SweptRequest& request, std::span<const std::uint32_t> beside, double highest_bytes)>;

  using Look = std::function<void(const MomentView& moment)>;

  explicit InFlightSweep(std::size_t endpoints) : open_count_(endpoints), open_bytes_(endpoints), place_(endpoints) {}

  // Of one worker, by start. Visits every request at its end, and looks at every moment in the order of time.
  void run(std::span<const SweptRequest> by_start, const Visit& visit, const Look& look);

 private:
  enum class Kind : std::uint8_t { kLevel, kPeak, kEnd };  // in this order where they fall on one moment
  struct Event {
    std::int64_t at_us;
    Kind kind;
    std::uint8_t part;  // kLevel: the one that begins
    std::uint32_t slot;
    bool operator>(const Event& other) const { return at_us != other.at_us ? at_us > other.at_us : kind > other.kind; }
  };
  struct Open {
    const SweptRequest* request = nullptr;
    double live_bytes = 0;
    std::uint64_t first_moment = 0;
    std::vector<std::uint32_t> beside;
  };
  struct Moment {
    std::uint64_t number;
    double bytes;
  };

  void start(const SweptRequest& request);
  void schedule_level(std::uint32_t slot, std::size_t part);
  void set_level(Open& open, double bytes);
  void note_moment(const Event& event, const Look& look);
  double highest_since(std::uint64_t moment) const;
  void finish(std::uint32_t slot, const Visit& visit);
  void advance(std::int64_t until_us, const Visit& visit, const Look& look);

  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<Open> slots_;
  std::vector<std::uint32_t> free_slots_;
  double live_bytes_ = 0;
  std::uint64_t moments_ = 0;
  std::vector<Moment> highest_;                // falling: moments that none after them has reached
  std::vector<std::uint32_t> open_count_;      // by endpoint
  std::vector<double> open_bytes_;             // by endpoint
  std::vector<std::uint32_t> open_endpoints_;  // those with a count, in no order ...
  std::vector<std::uint32_t> place_;           // ... and where in it
};

}  // namespace heapledger::analysis
