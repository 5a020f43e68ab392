// One pair of versions, figure by figure: medians, ratio, interval and p-value; and, once the p-values of all pairs are
// known, what they amount to. Pure but for the random numbers that are passed in; one thread at a time; allocates.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "analysis/statistics/block_shift.h"
#include "analysis/version_blocks.h"
#include "analysis/version_payloads.h"
#include "analysis/version_sides.h"
#include "heapledger/version_comparator.h"

namespace heapledger::analysis {

// What is asked of the evidence.
struct VersionStandard {
  double confidence_ratio = 0.95;
  double margin_ratio = 0.05;
  double finding_ratio = 0.02;
};

// `from` and `to` must outlive this object.
class VersionFigures {
 public:
  // `apart`: the versions are of different recordings, so that no worker has served both.
  VersionFigures(const VersionColumns& from, const VersionColumns& to, bool apart, const VersionStandard& standard);

  // Peak, allocated, byte-seconds, escaped; without q-values, verdicts only where they are `same`.
  std::vector<VersionMetric> compare(std::mt19937_64& random) const;
  PayloadMatch payload_match(std::mt19937_64& random) const;

  std::uint64_t from_blocks() const { return from_blocks_.worker.size(); }
  std::uint64_t to_blocks() const { return to_blocks_.worker.size(); }
  bool has_enough_blocks() const;
  bool payloads_differ() const { return strata_.are_different; }
  std::uint64_t requests_needed() const;  // for enough blocks, of both together

 private:
  using Values = std::vector<double>;
  struct Figure {
    const char* name;
    bool in_bytes;
    bool decides;
    Values VersionColumns::*column;
    double least;
  };
  static const std::vector<Figure>& figures();

  VersionMetric measure(const Figure& figure, const Values& from, const Values& to, std::mt19937_64& random) const;
  void describe(const Values& from, const Values& to, VersionMetric& metric) const;
  void contrast(const statistics::BlockShift& shift, VersionMetric& metric, std::mt19937_64& random) const;

  const VersionColumns& from_;
  const VersionColumns& to_;
  VersionStandard standard_;
  VersionBlocks from_blocks_;
  VersionBlocks to_blocks_;
  PayloadStrata strata_;
  std::vector<statistics::ShiftBlock> blocks_;
};

// The verdict, from ratio, interval and q-value; how many requests would give one.
void judge(VersionMetric& metric, std::uint64_t requests, const VersionStandard& standard);

}  // namespace heapledger::analysis
