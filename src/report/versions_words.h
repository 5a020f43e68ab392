// The sentences of `heapledger versions`: each one fact in words. Pure functions; thread-safe; allocate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "heapledger/version_comparator.h"

namespace heapledger::report {

// Why there is no risk; empty where there is one.
std::string risk_reason(const analysis::VersionsResult& result, const std::optional<analysis::MigrationRisk>& risk);

// "0.2 (0.1 to 0.4) a day now, 3.1 (1.9 to 4.4) once migrated".
std::string risk_words(const analysis::MigrationRisk& risk);

// Why the verdict is what it is, or what is missing for one.
std::string metric_reason(const analysis::VersionMetric& metric);
std::string pair_reason(const analysis::VersionPair& pair);

// "1.30x", "~" where no difference is shown.
std::string change_text(const analysis::VersionMetric& metric);

// "peak bytes", for a name as JSON has it.
std::string figure_words(const std::string& name);

// "GET /orders/{}  v1 -> v2".
std::string pair_name(const std::string& method, const std::string& route, const std::string& from,
                      const std::string& to);

// "+12.0 KiB", "-3.1 MiB".
std::string signed_bytes(double bytes);

// The nearest whole number, either sign.
std::int64_t signed_count(double value);

}  // namespace heapledger::report
