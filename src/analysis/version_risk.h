// What a migration does to the risk of running out of memory: the model of `heapledger limits` (load_model.h), once
// with the recorded traffic, once with the old version's requests made requests of the new one, at the same rate. Of
// two recordings traffic and headroom are those of the first, whatever the second one's traffic was.
//
// The intervals are a bootstrap over the thirty-two parts of the traffic's time, as exhaustion_scenarios.h has it.
// Requests larger than any recorded are in neither figure. Pure but for the random numbers; allocates.
#pragma once

#include <cstddef>
#include <optional>
#include <random>
#include <vector>

#include "analysis/load_model.h"
#include "analysis/traffic.h"
#include "analysis/version_pairs.h"
#include "analysis/version_sides.h"
#include "heapledger/version_comparator.h"

namespace heapledger::analysis {

class VersionRisk {
 public:
  // `traffic` must outlive this object, and so must `after`: what the new versions' requests are from; nullptr: the
  // same.
  VersionRisk(const Traffic& traffic, double headroom_bytes, std::mt19937_64& random, const Traffic* after = nullptr);

  // Absent where there is no request of one of the versions.
  std::optional<MigrationRisk> of(const VersionSide& from, const VersionSide& to) const;
  // Of all these pairs at once. Absent where none has requests of both.
  std::optional<MigrationRisk> of_all(const std::vector<const SidePair*>& pairs) const;

 private:
  using Load = std::vector<LoadClass>;

  struct Migration {
    std::vector<std::size_t> old_classes;  // of traffic_
    std::vector<std::size_t> new_classes;  // of after_
  };

  Migration migration_of(const VersionSide& from, const VersionSide& to) const;
  bool migrate(Load& load, const Load& after, const Migration& migration) const;
  std::optional<MigrationRisk> of(const std::vector<Migration>& migrations) const;
  double exceedances(const Load& load) const;

  const Traffic& traffic_;
  const Traffic& after_;
  double headroom_bytes_;
  Load load_;
  Load load_after_;  // empty where after_ is traffic_
  std::vector<Load> draws_;
  std::vector<Load> draws_after_;
  double now_per_day_;
  VersionInterval now_interval_;
};

}  // namespace heapledger::analysis
