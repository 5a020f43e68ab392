// Requests whose peaks follow from their bodies by construction.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "analysis/payloads_analysis.h"
#include "rows_for_tests.h"

namespace heapledger::analysis {

inline constexpr std::int64_t kPayloadMiB = 1024 * 1024;

inline recording::BodyRow payload_row(std::int64_t endpoint, std::int64_t received, std::int64_t sent,
                                      std::int64_t peak) {
  recording::BodyRow row;
  row.worker = 1;
  row.endpoint = endpoint;
  row.status = 200;
  row.received_bytes = received;
  row.sent_bytes = sent;
  row.peak_bytes = peak;
  if (received > 0) row.request_type = 1;
  if (sent > 0) row.response_type = 1;
  return row;
}

inline PayloadTables payload_tables() {
  return {{{1, "application/json"}, {2, "text/csv"}, {3, "multipart/form-data"}}, {{1, "gzip"}}, {}};
}

// Sizes from empty to 64 MiB, few of them large; the same in every run.
class Sizes {
 public:
  std::int64_t next() {
    const double megabytes = std::pow(64.0, static_cast<double>(random_() % 1000) / 1000) - 1;
    return random_() % 10 == 0 ? 0 : static_cast<std::int64_t>(megabytes * kPayloadMiB / (random_() % 4 == 0 ? 1 : 64));
  }
  std::int64_t noise(std::int64_t bytes) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(bytes));
  }

 private:
  std::mt19937_64 random_{17};
};

inline PayloadsResult analyze_payloads(const RecordingTables& tables, const std::vector<recording::BodyRow>& rows,
                                       const PayloadTables& payloads = payload_tables(),
                                       const PayloadsOptions& options = {}) {
  PayloadsAnalysis analysis(tables, payloads, options);
  for (const recording::BodyRow& row : rows) analysis.add(row);
  return analysis.finish();
}

}  // namespace heapledger::analysis
