// The rows about bodies: phases, encodings, limits. Part of recording/rows.h, whose conventions hold here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace heapledger::recording {

// What the phases of a request took, and how its bodies were encoded. All of a phase nullopt: phases were not seen.
struct PayloadRow {
  std::optional<std::int64_t> read_allocated_bytes;
  std::optional<std::int64_t> read_peak_bytes;
  std::optional<std::int64_t> read_us;
  std::optional<std::int64_t> deserialize_allocated_bytes;
  std::optional<std::int64_t> deserialize_peak_bytes;
  std::optional<std::int64_t> deserialize_us;
  std::optional<std::int64_t> handle_allocated_bytes;
  std::optional<std::int64_t> handle_peak_bytes;
  std::optional<std::int64_t> handle_us;
  std::optional<std::int64_t> serialize_allocated_bytes;
  std::optional<std::int64_t> serialize_peak_bytes;
  std::optional<std::int64_t> serialize_us;
  std::optional<std::int64_t> send_allocated_bytes;
  std::optional<std::int64_t> send_peak_bytes;
  std::optional<std::int64_t> send_us;
  std::optional<std::int64_t> request_encoding;  // ContentEncodingRow::id; nullopt: identity
  std::optional<std::int64_t> response_encoding;
};

struct ContentEncodingRow {
  std::int64_t id = 0;
  std::string name;
};

// How large a request body may be, as a framework's setting says.
struct BodyLimitRow {
  std::int64_t worker = 0;
  std::optional<std::int64_t> endpoint;  // nullopt: all of the worker
  std::string setting;
  std::optional<std::int64_t> limit_bytes;  // nullopt: the framework sets none
};

// What of a request says how its memory came and went, and what ran beside it: for analyses that need no more of many.
struct RequestCurveRow {
  std::int64_t id = 0;
  std::int64_t worker = 0;
  std::int64_t endpoint = 0;
  std::int64_t started_us = 0;
  std::int64_t duration_us = 0;
  std::int64_t in_flight_at_start = 0;
  std::int64_t peak_bytes = 0;
  std::int64_t escaped_bytes = 0;
  double byte_seconds = 0;
  std::int64_t after_response_bytes = 0;
  std::optional<std::int64_t> curve;  // as in RequestRow
  std::optional<std::int64_t> peak_percent;
};

// The parts of a request's work, in their order.
enum class RequestPhase { kRead, kDeserialize, kHandle, kSerialize, kSend };

// One phase of a request whose phases were seen. Its peak is the highest that the request had live during it.
struct PhaseRow {
  std::int64_t worker = 0;
  std::int64_t endpoint = 0;
  std::int64_t started_us = 0;  // of the request
  std::int64_t allocated_bytes = 0;
  std::int64_t peak_bytes = 0;
  std::int64_t duration_us = 0;
};

}  // namespace heapledger::recording
