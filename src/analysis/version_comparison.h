// The analysis behind `heapledger versions`, as a pure function of rows.
//
// Endpoints are paired first (version_pairs.h); then requests are read once, into columns (version_sides.h); then each
// pair is compared figure by figure (version_figures.h), and judged once the q-values over all of them are known. A
// pair is a regression when one of the figures that decide is one, else an improvement when one of them is, else the
// same when peak and allocated bytes are both shown to be. Throws std::invalid_argument for a worker that a recording
// does not have. One thread at a time; allocates.
#pragma once

#include <random>
#include <vector>

#include "analysis/recording_tables.h"
#include "analysis/site_groups.h"
#include "analysis/version_migration.h"
#include "analysis/version_pairs.h"
#include "analysis/version_risk.h"
#include "analysis/version_sides.h"
#include "heapledger/leaks.h"
#include "heapledger/version_comparator.h"

namespace heapledger::analysis {

// What is known of one recording besides its requests.
struct VersionRecording {
  RecordingTables tables;
  std::vector<recording::RequestSpanRow> spans;
  LeaksResult leaks;
  SiteTables code;
  VersionNotices notices;
};

class VersionComparison {
 public:
  // `other` null: the versions of `recording` are compared. Both must outlive this object.
  VersionComparison(const VersionRecording& recording, const VersionRecording* other, const VersionsOptions& options);

  void add(const recording::RequestCostRow& row) { sides_.add(row); }
  void add_other(const recording::RequestCostRow& row) { other_sides_->add(row); }

  // `risk`: of the recording's traffic; null where it cannot be stated.
  VersionsResult finish(std::mt19937_64& random, const VersionRisk* risk = nullptr);

 private:
  VersionPair compare(const SidePair& sides, std::mt19937_64& random) const;
  void judge_all(std::vector<VersionPair>& pairs) const;
  void describe(VersionsResult& result) const;

  const VersionRecording& recording_;
  const VersionRecording* other_;
  VersionsOptions options_;
  VersionSides sides_;
  std::optional<VersionSides> other_sides_;
  VersionPairing pairing_;
};

}  // namespace heapledger::analysis
