#include "heapledger/pool_monitor.h"

#include <utility>

#include "analysis/pools_analysis.h"
#include "analysis/recording_tables.h"
#include "recording/recording.h"

namespace heapledger::analysis {

PoolMonitor::PoolMonitor(std::string recording_path) : recording_path_(std::move(recording_path)) {}

PoolsResult PoolMonitor::analyze(const PoolsOptions& options) const {
  const recording::Recording source(recording_path_);
  const std::vector<recording::RequestSpanRow> spans = source.request_spans();
  const RecordingTables tables = read_tables(source, spans);
  const std::vector<recording::PoolRow> pools = source.pools();
  const SiteTables code{source.places(), source.stacks(), {}};
  PoolsAnalysis analysis(tables, pools, code, spans, options);
  source.for_each_connection([&analysis](const recording::ConnectionRow& row) { analysis.add(row); });
  source.for_each_pool_event([&analysis](const recording::PoolEventRow& row) { analysis.add(row); });
  return analysis.finish(source.pool_losses());
}

}  // namespace heapledger::analysis
