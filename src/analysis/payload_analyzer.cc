#include "heapledger/payload_analyzer.h"

#include <utility>

#include "analysis/payloads_analysis.h"
#include "analysis/recording_tables.h"
#include "recording/recording.h"

namespace heapledger::analysis {

PayloadAnalyzer::PayloadAnalyzer(std::string recording_path) : recording_path_(std::move(recording_path)) {}

PayloadsResult PayloadAnalyzer::analyze(const PayloadsOptions& options) const {
  const recording::Recording source(recording_path_);
  const RecordingTables tables = read_tables(source);
  PayloadsAnalysis analysis(tables, {source.content_types(), source.content_encodings(), source.body_limits()},
                            options);
  source.for_each_body([&analysis](const recording::BodyRow& request) { analysis.add(request); });
  return analysis.finish();
}

const char* name_of(PayloadMode mode) noexcept {
  switch (mode) {
    case PayloadMode::kBuffered:
      return "buffered";
    case PayloadMode::kStreamed:
      return "streamed";
    case PayloadMode::kMixed:
      return "mixed";
    case PayloadMode::kNone:
      break;
  }
  return "none";
}

const char* name_of(BodyDirection direction) noexcept {
  return direction == BodyDirection::kRequest ? "request" : "response";
}

const char* name_of(RequirementBasis basis) noexcept { return basis == RequirementBasis::kModel ? "model" : "peaks"; }

}  // namespace heapledger::analysis
