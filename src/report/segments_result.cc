// The members of SegmentsResult that render it: the public face of the renderers.
#include "heapledger/segments.h"
#include "report/segments_csv.h"
#include "report/segments_json.h"
#include "report/segments_text.h"

namespace heapledger::analysis {

std::string SegmentsResult::to_text() const { return report::segments_text(*this, {}); }

std::string SegmentsResult::to_json() const { return report::write_document(report::segments_document(*this)); }

std::string SegmentsResult::to_csv() const { return report::segments_csv(*this); }

}  // namespace heapledger::analysis
