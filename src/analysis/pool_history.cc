#include "analysis/pool_history.h"

#include <algorithm>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

using recording::PoolEventKind;
using recording::PoolEventRow;

double seconds_of(std::int64_t us) { return static_cast<double>(us) / 1e6; }

}  // namespace

void ReturnedBytes::add(std::int64_t at_us, std::uint64_t live_bytes) {
  if (uses_in_run_ == 0) {
    if (count_ == runs_.size()) {
      for (std::size_t i = 0; i < count_ / 2; ++i) {
        runs_[i] = {std::min(runs_[2 * i].least_bytes, runs_[2 * i + 1].least_bytes), runs_[2 * i + 1].at_us};
      }
      count_ /= 2;
      run_length_ *= 2;
    }
    runs_[count_++] = {live_bytes, at_us};
  }
  Run& run = runs_[count_ - 1];
  run = {std::min(run.least_bytes, live_bytes), at_us};
  uses_in_run_ = (uses_in_run_ + 1) % run_length_;
}

// Of the whole runs: one that has only begun is left out.
std::optional<double> ReturnedBytes::growth_per_second() const {
  constexpr std::size_t kLeastRuns = 8;
  const std::size_t whole = uses_in_run_ == 0 ? count_ : count_ - 1;
  if (whole < kLeastRuns) {
    return std::nullopt;
  }
  for (std::size_t i = 1; i < whole; ++i) {
    if (runs_[i].least_bytes <= runs_[i - 1].least_bytes) {
      return std::nullopt;
    }
  }
  const double seconds = seconds_of(subtract_limited(runs_[whole - 1].at_us, runs_[0].at_us));
  const auto bytes = static_cast<double>(runs_[whole - 1].least_bytes - runs_[0].least_bytes);
  return seconds > 0 ? std::optional(bytes / seconds) : std::nullopt;
}

void PoolHistory::note_levels(const PoolEventRow& event) {
  first_us = first_us ? first_us : event.at_us;
  size.add(event.at_us, event.size);
  in_use.add(event.at_us, event.in_use);
  most_in_use = std::max(most_in_use, count_of(event.in_use));
  now_.size = count_of(event.size);
  now_.in_use = count_of(event.in_use);
  now_.idle = count_of(event.idle);
  if (event.waiters) {
    now_.waiters = count_of(*event.waiters);
    most_waiters = std::max(most_waiters.value_or(0), *now_.waiters);
  }
  most_requests = std::max(most_requests, held_.size() + now_.waiters.value_or(0));
}

void PoolHistory::note_bytes(const PoolEventRow& event, Open& connection) {
  if (!event.live_bytes || event.kind == PoolEventKind::kClose) {
    return;  // a connection that is being closed has given up some of it
  }
  const std::uint64_t bytes = count_of(*event.live_bytes);
  now_.live_bytes = now_.live_bytes - std::min(now_.live_bytes, connection.live_bytes.value_or(0)) + bytes;
  connection.live_bytes = bytes;
  connection.most_live_bytes = std::max(connection.most_live_bytes, bytes);
  if (event.kind == PoolEventKind::kCheckin) {
    connection.returned.add(event.at_us, bytes);
  }
}

void PoolHistory::check_out(const PoolEventRow& event, Open& connection) {
  ++checkouts;
  first_uses += connection.made_here && !connection.used ? 1 : 0;
  if (connection.since_us != 0 && !connection.out) {
    ++reuses;
    longest_reused_us = std::max(longest_reused_us, subtract_limited(event.at_us, connection.since_us));
  }
  connection.since_us = event.at_us;
  connection.out = true;
  connection.used = true;
  connection.endpoint = event.endpoint;
  connection.sequence = event.request_sequence;
  last_checkout_us = event.at_us;
  PoolEndpointUse& use = endpoints[event.endpoint];
  ++use.checkouts;
  if (event.wait_us) {
    use.waits_seconds.push_back(seconds_of(*event.wait_us));
  }
  if (event.request_sequence) {
    use.most_held = std::max(use.most_held, ++held_[*event.request_sequence]);
  }
}

void PoolHistory::put_back(const PoolEventRow& event, Open& connection) {
  const std::optional<std::int64_t> hold_us = event.hold_us ? event.hold_us
                                              : connection.out
                                                  ? std::optional(subtract_limited(event.at_us, connection.since_us))
                                                  : std::nullopt;
  if (hold_us) {
    endpoints[connection.out ? connection.endpoint : event.endpoint].holds_seconds.push_back(
        seconds_of(std::max<std::int64_t>(0, *hold_us)));
  }
  if (connection.out && connection.sequence) {
    const auto held = held_.find(*connection.sequence);
    if (held != held_.end() && --held->second == 0) {
      held_.erase(held);
    }
  }
  connection.out = false;
  connection.since_us = event.at_us;
}

void PoolHistory::close(const PoolEventRow& event, Open& connection) {
  ++closed;
  if (connection.out) {
    put_back(event, connection);
  }
  if (connection.live_bytes) {
    closed_bytes.push_back(*connection.live_bytes);
    now_.live_bytes -= std::min(now_.live_bytes, *connection.live_bytes);
    most_of_closed_[*event.connection] = connection.most_live_bytes;
  }
  if (const auto growth = connection.returned.growth_per_second()) {
    growths_per_second.push_back(*growth);
  }
  open_.erase(*event.connection);
}

void PoolHistory::add(const PoolEventRow& event) {
  if (event.kind == PoolEventKind::kTimeout) {
    ++timeouts;
    ++endpoints[event.endpoint].timeouts;
    note_levels(event);
    return;
  }
  if (event.connection) {
    Open& connection = open_[*event.connection];
    note_bytes(event, connection);
    if (event.kind == PoolEventKind::kCreate) {
      ++created;
      connection.made_here = true;
    } else if (event.kind == PoolEventKind::kCheckout) {
      check_out(event, connection);
    } else if (event.kind == PoolEventKind::kCheckin) {
      put_back(event, connection);
    } else if (event.kind == PoolEventKind::kClose) {
      close(event, connection);
    }
  }
  note_levels(event);
  if (event.kind == PoolEventKind::kCheckout || event.kind == PoolEventKind::kCheckin) {
    at_last_use_ = now_;
  }
}

void PoolHistory::end(std::int64_t end_us) {
  size.end(end_us);
  in_use.end(end_us);
  for (const auto& [number, connection] : open_) {
    if (const auto growth = connection.returned.growth_per_second()) {
      growths_per_second.push_back(*growth);
    }
  }
}

std::optional<std::int64_t> PoolHistory::checkout_us(std::int64_t connection) const {
  const auto found = open_.find(connection);
  return found != open_.end() && found->second.out ? std::optional(found->second.since_us) : std::nullopt;
}

std::optional<std::int64_t> PoolHistory::last_use_us(std::int64_t connection) const {
  const auto found = open_.find(connection);
  return found != open_.end() && found->second.used ? std::optional(found->second.since_us) : std::nullopt;
}

std::optional<std::uint64_t> PoolHistory::most_live_bytes(std::int64_t connection) const {
  const auto open = open_.find(connection);
  if (open != open_.end()) {
    return open->second.live_bytes ? std::optional(open->second.most_live_bytes) : std::nullopt;
  }
  const auto closed_one = most_of_closed_.find(connection);
  return closed_one == most_of_closed_.end() ? std::nullopt : std::optional(closed_one->second);
}

}  // namespace heapledger::analysis
