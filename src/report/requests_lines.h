// The labelled lines below the table of endpoints: each one fact of the result in words. An empty string means that
// there is nothing to say. Pure functions; thread-safe; allocate.
#pragma once

#include <string>
#include <vector>

#include "heapledger/requests.h"
#include "report/labelled_lines.h"

namespace heapledger::report {

std::string headline(const analysis::RequestsResult& result);
std::string books_line(const analysis::RequestsResult& result);
std::string memory_line(const analysis::MemoryUse& memory);
std::string peak_line(const analysis::RequestsResult& result);

// One line per marked endpoint among the first `shown`.
std::vector<LabelledLine> finding_lines(const analysis::RequestsResult& result, std::size_t shown);

// What a reader must know before believing the figures: requests that were lost, folded, or still open; workers that
// died; a recording that was not closed.
std::vector<LabelledLine> caution_lines(const analysis::RequestsResult& result);

// "no route /ordres in this recording; nearest: /orders", one for each that was asked for in vain.
std::vector<std::string> unmatched_lines(const std::vector<analysis::UnmatchedOption>& options);

// The line in the place of a report without figures: nothing was recorded at all, or nothing of what was asked for.
std::string nothing_recorded(const std::vector<analysis::UnmatchedOption>& unmatched);

// What a recording that was not closed in order may lack; empty for others.
std::string how_it_stands(analysis::RecordingState state);

// What of a version its route does not say itself: "v2", but nothing for /v2/orders.
std::string version_beside(const std::string& route, const std::string& version);

// "POST /orders/import", with version_beside() in parentheses.
std::string endpoint_name(const std::string& method, const std::string& route, const std::string& version);

}  // namespace heapledger::report
