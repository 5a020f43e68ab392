// What every analysis speaks of: the recording, distributions, moments, endpoints. Plain values.
//
// Conventions of all these headers: sizes are bytes, times seconds, as the names say. std::nullopt means "not measured"
// or "too little data to say", never zero. Errors: std::runtime_error with one line when the file is not a readable
// recording, std::invalid_argument with one line when an option makes no sense. Thread-safety: objects of different
// threads are independent; one object is for one thread at a time. Allocates. Links nothing of the recorded service;
// fork-safe between calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heapledger::analysis {

// Percentiles by nearest rank: the smallest value that at least p % of the values do not exceed, so every percentile
// is a value that was really seen. p99 is absent under 100 values, where it would be no more than the maximum.
template <class Value>
struct Distribution {
  double mean = 0;
  Value p50{};
  Value p90{};
  Value p95{};
  std::optional<Value> p99;
  Value max{};
};
using IntegerDistribution = Distribution<std::uint64_t>;
using RealDistribution = Distribution<double>;

// A point in time given by a user: counted from the recording's start, back from its end, or of the calendar.
struct Moment {
  enum class Base { kStart, kEnd, kUnix };
  Base base = Base::kStart;
  std::int64_t offset_us = 0;  // kEnd: not positive

  // "90", "90s", "1.5m", "2h": after the start. "-5m": before the end. "2026-11-24T14:05:33Z", also with a fraction, a
  // blank for the T, or an offset for the Z; neither means UTC.
  static Moment parse(std::string_view text);
};

// "90", "90s", "250ms", "1.5m", "2h", "1d" in microseconds; not negative.
std::int64_t parse_duration_us(std::string_view text);

enum class RecordingState {
  kClosed,
  kBeingWritten,
  kCollectorKilled,  // and nobody has finished it since
  kCutShort,         // it has an end and lacks something: its collector was killed, or could not write on
  kNotClosed         // one of the two in the middle: its writer cannot be seen from here
};
const char* name_of(RecordingState state) noexcept;  // "closed", "being_written", "collector_killed", "cut_short" ...

struct RecordingInfo {
  std::string path;
  int schema_version = 0;
  std::string heapledger_version;
  std::int64_t started_unix_us = 0;
  double duration_seconds = 0;  // to its end, or while it is written to the latest thing it holds
  std::string command;          // argv[0] of the recorded command
  std::string python;           // "3.11.2"; of several, all of them, "3.11.2, 3.12.1"
  std::string mode;
  bool native = false;
  std::uint64_t worker_count = 0;  // that served a request; all if none did
  bool complete = false;
  RecordingState state = RecordingState::kClosed;
  std::uint64_t dropped_requests = 0;
};

// An endpoint.
struct EndpointId {
  std::string method;
  std::string route;
  std::string version;  // empty when none
};

// A route or method that was asked for and that the recording does not have.
struct UnmatchedOption {
  std::string option;  // "route" or "method"
  std::string value;
  std::string nearest;  // what was probably meant, empty when nothing is near
};

inline constexpr std::size_t kTextLimit = 15;  // entries that text shows where --limit does not say

}  // namespace heapledger::analysis
