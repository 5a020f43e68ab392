// `heapledger versions` as text: a table of pairs and what lies behind each verdict; with --report the migration
// report. Pure functions; thread-safe; allocate. Every string of the service passes printable().
#pragma once

#include <string>

#include "heapledger/version_comparator.h"
#include "report/text_style.h"

namespace heapledger::report {

std::string versions_text(const analysis::VersionsResult& result, const TextStyle& style);

// The parts that both have.
std::string version_pairs_table(const analysis::VersionsResult& result, const TextStyle& style);
std::string version_headline(const analysis::VersionsResult& result);
std::string version_notes(const analysis::VersionsResult& result, const TextStyle& style);

// In migration_text.cc.
std::string migration_text(const analysis::VersionsResult& result, const TextStyle& style);

}  // namespace heapledger::report
