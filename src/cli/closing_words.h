// How `heapledger run` ends on stderr: the report, or why there is nothing to report.
#pragma once

#include <string>

#include "recording/collector.h"

namespace heapledger::cli {

// Never throws: the command's exit status matters more.
void say_closing_words(const std::string& recording, const recording::CollectorSummary& summary) noexcept;

// The one line for a run in which no Python took part: what to install where.
std::string why_nothing_recorded(const recording::CollectorSummary& summary);

}  // namespace heapledger::cli
