// All analyses of a recording in one document. Pure functions; thread-safe; allocate.
#pragma once

#include <string>
#include <vector>

#include "heapledger/recording_info.h"
#include "report/text_style.h"

namespace heapledger::report {

// What one verb answers.
struct ReportPart {
  std::string verb;  // "requests"
  std::string title;
  std::string text;
  std::string json;
};

std::string full_report_text(const std::vector<ReportPart>& parts, const TextStyle& style);

// {"schema": "heapledger.report/1", "recording": {...}, "VERB": the verb's document, ...}
std::string full_report_json(const analysis::RecordingInfo& recording, const std::vector<ReportPart>& parts);

}  // namespace heapledger::report
