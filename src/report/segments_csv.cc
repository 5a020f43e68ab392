#include "report/segments_csv.h"

#include "report/csv.h"
#include "report/segments_json.h"

namespace heapledger::report {

std::string segments_csv(const analysis::SegmentsResult& result) {
  Json rows = Json::array();
  for (const analysis::SegmentsWorker& worker : result.workers) {
    Json row = segments_worker_row(worker);
    if (worker.segments.empty()) {
      rows.push_back(row);
    }
    for (const analysis::Segment& segment : worker.segments) {
      row["segment"] = segment_row(segment);
      rows.push_back(row);
    }
  }
  Json full = segments_worker_row({});
  full["segment"] = segment_row({});
  return write_csv(rows, full);
}

}  // namespace heapledger::report
