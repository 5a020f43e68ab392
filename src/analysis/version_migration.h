// What is to be gained by moving from old versions to new ones: which endpoints are at their end, in which order to
// migrate, and what requests in flight hold on average on the way (M/G/infinity: a rate of lambda requests a second
// that hold kappa byte-seconds each hold lambda kappa bytes on average). Pure; allocates.
#pragma once

#include <string_view>
#include <vector>

#include "analysis/version_pairs.h"
#include "analysis/version_sides.h"
#include "heapledger/leaks.h"
#include "heapledger/version_comparator.h"

namespace heapledger::analysis {

// A pair and what was found of it.
struct JudgedPair {
  const SidePair* sides = nullptr;
  VersionVerdict verdict = VersionVerdict::kInconclusive;
};

// The mark by which heapledger.api_version() counts the versions that it had to alter: no compatibility code.
inline constexpr std::string_view kVersionAltered = "<version altered>";

struct VersionNotices {
  std::vector<recording::EndpointNoticeRow> notices;
  std::vector<recording::CompatMarkRow> marks;
};

std::vector<DeprecatedEndpoint> deprecated_endpoints(const VersionSides& recording, const VersionPairing& pairing,
                                                     const LeaksResult& leaks, const VersionNotices& notices);

std::vector<CompatibilityCost> compatibility_costs(const VersionSides& recording, const VersionNotices& notices);

// What helps most first; what has to be fixed, and what has no successor, last.
std::vector<MigrationStep> migration_steps(const VersionSides& recording, const std::vector<JudgedPair>& pairs,
                                           const VersionPairing& pairing);

// From nothing to everything migrated, in tenths; empty where no pair has requests of both versions.
std::vector<MigrationCapacity> migration_capacity(const VersionSides& recording, const std::vector<JudgedPair>& pairs,
                                                  double confidence_ratio);

}  // namespace heapledger::analysis
