// The analysis behind `heapledger segments`, as a pure function of rows: give it the small tables and the readings,
// then the requests, slices and flows of the recording once in any order, then ask for the result.
//
//   uss       = private bytes: pages that this process alone maps
//   saved     = sum of rss - sum of pss over the group: a page that n processes map is in n RSS and once in their PSS
//   unshared  = sum over kinds of anonymous memory of min(max(0, S - S'), P'), and at most sum S - sum S',
//               S what was shared at the first reading, S' and P' what is shared and private at the latest
//
// The kernel does not tell a page that was copied when it was written from one that the others gave up, nor from one
// that was freed and replaced: `unshared` bounds from above what was copied since the first reading, and knows nothing
// of what was copied before it. It is asked only of a process whose parent is of the recording: the parent's own pages
// become shared and private again with every child that comes and goes.
//
// Throws std::invalid_argument for a worker that the recording does not have, recording::RecordingError for rows that
// contradict each other. Allocates. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_set>
#include <vector>

#include "analysis/endpoint_names.h"
#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/segments.h"

namespace heapledger::analysis {

class SegmentsAnalysis {
 public:
  // `tables` must outlive this object.
  SegmentsAnalysis(const RecordingTables& tables, const SegmentsOptions& options);

  void add(const recording::RequestRow& request);
  void add(const recording::SliceRow& slice);
  void add(const recording::FlowRow& flow);
  void add(const recording::SegmentReadingRow& reading);

  // `flows_recorded`: blocks that were handed off are in the flows; else nothing is known of them.
  SegmentsResult finish(bool flows_recorded);

 private:
  struct Readings {
    const recording::SegmentReadingRow* first = nullptr;
    const recording::SegmentReadingRow* latest = nullptr;
  };

  std::size_t index_of(std::int64_t endpoint) const;
  std::vector<SegmentsWorker> describe_workers() const;
  Readings readings_of(std::int64_t worker) const;
  // `last`: the one that started last of those that were read.
  bool is_in_group(const recording::WorkerRow& row, const recording::WorkerRow& last) const;
  SegmentsWorker describe(const recording::WorkerRow& row, const recording::WorkerRow* last) const;
  std::vector<EndpointBlocks> describe_blocks(bool flows_recorded) const;

  const RecordingTables& tables_;
  Selection selection_;
  EndpointNames names_;
  std::vector<recording::SegmentReadingRow> readings_;
  std::vector<EndpointBlocks> blocks_;        // as in tables_.endpoints
  std::vector<std::int64_t> retained_bytes_;  // likewise
  std::vector<recording::FlowRow> flows_;
  std::unordered_set<std::int64_t> served_;
};

}  // namespace heapledger::analysis
