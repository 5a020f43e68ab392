// `heapledger versions` as JSON and CSV. Pure functions; thread-safe; allocate.
#pragma once

#include <cstddef>
#include <string>

#include "heapledger/version_comparator.h"
#include "report/json_document.h"

namespace heapledger::report {

Json versions_document(const analysis::VersionsResult& result);

// How many pairs to show where --limit does not say: `otherwise`, 0 for all.
std::size_t shown_pairs(const analysis::VersionsResult& result, std::size_t otherwise);

std::string versions_csv(const analysis::VersionsResult& result);

}  // namespace heapledger::report
