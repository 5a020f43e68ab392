// What both versions leave behind a request, and which lines make them allocate differently. Pure; allocates.
//
// Retained memory is not compared request by request: it is what lives at the end, and whether it grows is judged from
// birth cohorts (leaks_analysis.h). A leak that the old version did not have is a regression, of two leaks the one
// whose interval lies above the other's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/site_groups.h"
#include "analysis/version_sides.h"
#include "heapledger/leaks.h"
#include "heapledger/version_comparator.h"

namespace heapledger::analysis {

// Of one version.
struct VersionRetention {
  bool is_known = false;
  std::uint64_t retained_bytes = 0;
  std::optional<double> bytes_per_request;  // live at the end
  std::optional<ByteRate> leak;             // 0 to 0: none; absent: cannot be said
};

VersionRetention retention_of(const VersionSide& side, const VersionSides& recording, const LeaksResult& leaks);

VersionMetric compare_retention(const VersionRetention& from, const VersionRetention& to, double margin_ratio);

// Allocated a request, by line of the application; only where the intervals of both versions lie apart.
struct VersionCode {
  const SiteTables& tables;
  const VersionSide& side;
};
std::vector<VersionSite> compare_sites(const VersionCode& from, const VersionCode& to);

}  // namespace heapledger::analysis
