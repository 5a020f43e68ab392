#include "heapledger/version_comparator.h"

#include <memory>
#include <random>
#include <utility>

#include "analysis/leaks_analysis.h"
#include "analysis/version_comparison.h"
#include "recording/recording.h"

namespace heapledger::analysis {
namespace {

struct Source {
  explicit Source(const std::string& path) : recording(path) {}
  recording::Recording recording;
  VersionRecording known;
};

std::unique_ptr<Source> open_source(const std::string& path) {
  auto source = std::make_unique<Source>(path);
  const recording::Recording& recording = source->recording;
  VersionRecording& known = source->known;
  known.spans = recording.request_spans();
  known.tables = read_tables(recording, known.spans);
  known.code = {recording.places(), recording.stacks(), recording.sites()};
  known.notices = {recording.endpoint_notices(), recording.compat_marks()};
  LeakTables survivors;
  survivors.lives = recording.endpoint_lives();
  survivors.cohorts = recording.cohorts();
  survivors.spans = known.spans;
  known.leaks = find_leaks(known.tables, survivors, {});
  return source;
}

}  // namespace

VersionComparator::VersionComparator(std::string recording_path, std::optional<std::string> other_path)
    : recording_path_(std::move(recording_path)), other_path_(std::move(other_path)) {}

VersionsResult VersionComparator::analyze(const VersionsOptions& options) const {
  const std::unique_ptr<Source> source = open_source(recording_path_);
  const std::unique_ptr<Source> other = other_path_ ? open_source(*other_path_) : nullptr;
  VersionComparison comparison(source->known, other ? &other->known : nullptr, options);
  source->recording.for_each_request_cost([&](const recording::RequestCostRow& row) { comparison.add(row); });
  if (other) {
    other->recording.for_each_request_cost([&](const recording::RequestCostRow& row) { comparison.add_other(row); });
  }
  std::mt19937_64 random(options.seed);
  return comparison.finish(random);
}

}  // namespace heapledger::analysis
