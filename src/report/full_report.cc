#include "report/full_report.h"

#include "report/json_document.h"

namespace heapledger::report {

std::string full_report_text(const std::vector<ReportPart>& parts, const TextStyle& style) {
  std::string text;
  for (const ReportPart& part : parts) {
    const std::string heading = part.title + " (heapledger " + part.verb + ")";
    text += text.empty() ? "" : "\n";
    text += (style.colour ? "\x1b[1m" + heading + "\x1b[0m" : heading) + "\n" + std::string(heading.size(), '-') + "\n";
    text += part.text;
  }
  return text;
}

std::string full_report_json(const analysis::RecordingInfo& recording, const std::vector<ReportPart>& parts) {
  Json document = open_document("report", recording);
  for (const ReportPart& part : parts) {
    document[part.verb] = Json::parse(part.json);
  }
  return write_document(document);
}

}  // namespace heapledger::report
