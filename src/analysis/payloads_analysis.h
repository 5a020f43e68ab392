// The analysis behind `heapledger payloads`, as a pure function of rows: give it the small tables, then every request
// of the recording once in any order, then ask for the result.
//
// Throws std::invalid_argument for options that do not fit the recording, recording::RecordingError for rows that
// contradict each other. Allocates, see endpoint_bodies.h; finish() gives an endpoint's requests up once it is done
// with them. One thread at a time.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "analysis/body_kinds.h"
#include "analysis/endpoint_bodies.h"
#include "analysis/endpoint_names.h"
#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/payload_analyzer.h"
#include "recording/body_rows.h"

namespace heapledger::analysis {

struct PayloadTables {
  std::vector<recording::ContentTypeRow> types;
  std::vector<recording::ContentEncodingRow> encodings;
  std::vector<recording::BodyLimitRow> limits;
};

class PayloadsAnalysis {
 public:
  // `tables` must outlive this object.
  PayloadsAnalysis(const RecordingTables& tables, PayloadTables payloads, const PayloadsOptions& options);

  void add(const recording::BodyRow& request);

  PayloadsResult finish();

 private:
  struct Endpoint {
    const recording::EndpointRow* row = nullptr;
    bool chosen = false;
    EndpointBodies bodies;
  };

  std::vector<const recording::BodyLimitRow*> limits_of(const recording::EndpointRow& endpoint) const;
  std::uint64_t count_folded() const;

  const RecordingTables& tables_;
  PayloadTables payloads_;
  PayloadsOptions options_;
  Selection selection_;
  EndpointNames names_;
  PayloadNames kind_names_;
  std::vector<Endpoint> endpoints_;  // as in tables_
  std::unordered_set<std::int64_t> served_;
  std::uint64_t requests_ = 0;
};

}  // namespace heapledger::analysis
