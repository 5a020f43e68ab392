// The requests of a recording by what is compared: one endpoint in one version, whatever its rows are called.
//
// Figures are kept a column each, forty-eight bytes a request, and only of endpoints that a pair names; of all others
// only sums. One thread at a time; allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/version_comparator.h"
#include "recording/rows.h"

namespace heapledger::analysis {

// Requests that can be compared, in the order of arrival.
struct VersionColumns {
  std::vector<std::uint32_t> worker;
  std::vector<std::uint64_t> received_bytes;
  std::vector<std::uint64_t> sent_bytes;
  std::vector<double> peak_bytes;
  std::vector<double> allocated_bytes;
  std::vector<double> escaped_bytes;
  std::vector<double> byte_seconds;
  std::size_t size() const { return worker.size(); }
  void reserve(std::size_t count);
};

struct VersionSide {
  EndpointId id;      // the first of its rows
  std::string route;  // without its version
  std::vector<std::int64_t> endpoints;
  bool deprecated = false;
  bool has_requests = false;  // with rows of their own
  bool compared = false;
  VersionColumns columns;
  std::uint64_t requests = 0;  // all
  std::uint64_t errors = 0;
  std::uint64_t left_out = 0;
  double byte_seconds = 0;
  double allocated_bytes = 0;
  std::int64_t last_us = 0;
};

// By method, route without version, version.
using VersionKey = std::tuple<std::string, std::string, std::string>;

class VersionSides {
 public:
  // `tables` must outlive this object. `spans`: of all requests.
  VersionSides(const RecordingTables& tables, const std::vector<recording::RequestSpanRow>& spans,
               const RequestsOptions& options);

  std::map<VersionKey, VersionSide>& sides() { return sides_; }
  const std::map<VersionKey, VersionSide>& sides() const { return sides_; }
  const VersionSide* of_endpoint(std::int64_t endpoint) const;
  const RecordingTables& tables() const { return tables_; }
  const Selection& selection() const { return selection_; }

  // Makes room for the requests of compared sides.
  void reserve(const std::vector<recording::RequestSpanRow>& spans);
  void add(const recording::RequestCostRow& row);

  std::uint64_t requests() const { return requests_; }
  double byte_seconds() const { return byte_seconds_; }
  double seconds() const;  // between the first and the last start

 private:
  const RecordingTables& tables_;
  Selection selection_;
  std::map<VersionKey, VersionSide> sides_;
  std::unordered_map<std::int64_t, VersionSide*> by_endpoint_;
  std::uint64_t requests_ = 0;
  double byte_seconds_ = 0;
  std::int64_t first_us_ = 0;
  std::int64_t last_us_ = 0;
};

}  // namespace heapledger::analysis
