// The request table's columns in the order that every reader of it uses. Private to recording.
#pragma once

#include "recording/rows.h"
#include "recording/sqlite.h"

namespace heapledger::recording {

#define HEAPLEDGER_REQUEST_COLUMNS                                                                              \
  "id, worker, sequence, endpoint, started_us, duration_us, status, flags, received_bytes, sent_bytes, "        \
  "request_type, response_type, in_flight_at_start, in_flight_peak, allocated_bytes, allocations, peak_bytes, " \
  "escaped_bytes, isolated_bytes, adopted_bytes, native_allocated_bytes, native_peak_bytes, byte_seconds, "     \
  "running_us, after_response_bytes"

inline constexpr char kSelectOldestRequests[] =
    "SELECT " HEAPLEDGER_REQUEST_COLUMNS " FROM request ORDER BY id LIMIT ?";

// The row that `select`, over these columns, stands on.
RequestRow read_request(Statement& select);

}  // namespace heapledger::recording
