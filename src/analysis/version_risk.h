// What a migration does to the risk of running out of memory: the model of `heapledger limits` (load_model.h), once
// with the recorded traffic, once with the old version's requests made requests of the new one, at the same rate.
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
#include "analysis/version_sides.h"
#include "heapledger/version_comparator.h"

namespace heapledger::analysis {

class VersionRisk {
 public:
  // `traffic` must outlive this object.
  VersionRisk(const Traffic& traffic, double headroom_bytes, std::mt19937_64& random);

  // Absent where the recording has no request of one of the versions.
  std::optional<MigrationRisk> of(const VersionSide& from, const VersionSide& to) const;

 private:
  using Load = std::vector<LoadClass>;

  std::vector<std::size_t> classes_of(const VersionSide& side) const;
  double exceedances(const Load& load) const;

  const Traffic& traffic_;
  double headroom_bytes_;
  Load load_;
  std::vector<Load> draws_;
  double now_per_day_;
  VersionInterval now_interval_;
};

}  // namespace heapledger::analysis
