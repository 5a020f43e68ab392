// What a recording says of bodies and of what became of them in memory: the part of a request's row that `payloads` is
// made from, read by itself because there may be millions. Plain values; conventions as in rows.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace heapledger::recording {

inline constexpr std::size_t kPhases = 5;  // of RequestPhase

struct PhaseFigures {
  std::int64_t allocated_bytes = 0;
  std::int64_t peak_bytes = 0;  // highest live bytes of the request during the phase
  std::int64_t duration_us = 0;
};

struct BodyRow {
  std::int64_t worker = 0;
  std::int64_t endpoint = 0;
  std::int64_t started_us = 0;
  std::int32_t status = 0;
  bool approximate = false;  // served while no owner slot was free
  bool raised = false;
  bool disconnected = false;
  bool received_in_pieces = false;
  bool received_whole = false;  // the application asked for all of it at once
  bool sent_in_pieces = false;
  std::int64_t received_bytes = 0;
  std::int64_t sent_bytes = 0;
  std::int64_t peak_bytes = 0;
  std::optional<std::int64_t> request_type;  // ContentTypeRow::id
  std::optional<std::int64_t> response_type;
  std::optional<std::int64_t> request_encoding;  // ContentEncodingRow::id; nullopt: identity
  std::optional<std::int64_t> response_encoding;
  std::optional<std::array<PhaseFigures, kPhases>> phases;  // by RequestPhase; nullopt: they were not seen
};

}  // namespace heapledger::recording
