// Verdicts on simulated services: what is there is found, what is not there is not.
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "version_rows.h"

namespace heapledger::analysis {
namespace {

std::map<VersionVerdict, int> verdicts(SimulatedVersions versions, int rounds) {
  std::map<VersionVerdict, int> counts;
  for (int round = 0; round < rounds; ++round) {
    versions.seed = static_cast<std::uint64_t>(round) + 1;
    ++counts[compare_simulated(versions).verdict];
  }
  return counts;
}

TEST(VersionSimulation, EachRatioGetsItsVerdict) {
  SimulatedVersions versions;
  versions.drift = 0.05;
  versions.requests = 2000;
  const std::map<double, VersionVerdict> expected{{0.5, VersionVerdict::kImprovement},
                                                  {1.0, VersionVerdict::kSame},
                                                  {1.02, VersionVerdict::kSame},
                                                  {1.3, VersionVerdict::kRegression},
                                                  {3.0, VersionVerdict::kRegression}};
  for (const auto& [ratio, verdict] : expected) {
    versions.ratio = ratio;
    versions.log_deviation = ratio < 1.1 && ratio > 0.9 ? 0.1 : 0.3;
    EXPECT_EQ(verdicts(versions, 10)[verdict], 10) << ratio;
  }
}

TEST(VersionSimulation, TheIntervalHoldsTheTrueRatio) {
  SimulatedVersions versions;
  versions.ratio = 1.3;
  versions.drift = 0.05;
  int covered = 0;
  for (int round = 0; round < 100; ++round) {
    versions.seed = static_cast<std::uint64_t>(round) + 1;
    const VersionMetric peak = metric_of(compare_simulated(versions), "peak_bytes");
    covered += peak.interval->low <= 1.3 && 1.3 <= peak.interval->high ? 1 : 0;
  }
  EXPECT_GE(covered, 86);
}

TEST(VersionSimulation, TheSameCodeIsHardlyEverARegression) {
  for (const auto& [deviation, drift] : {std::pair(0.1, 0.05), {0.3, 0.05}, {1.0, 0.05}, {0.3, 0.2}}) {
    SimulatedVersions versions;
    versions.log_deviation = deviation;
    versions.drift = drift;
    EXPECT_LE(verdicts(versions, 100)[VersionVerdict::kRegression], 9) << deviation << " " << drift;
  }
}

TEST(VersionSimulation, TenPercentMoreIsFoundAsOftenAsPromised) {
  SimulatedVersions versions;
  versions.ratio = 1.1;
  EXPECT_GE(verdicts(versions, 40)[VersionVerdict::kRegression], 37);
}

TEST(VersionSimulation, APayloadMixIsSeenThrough) {
  // The new version gets large bodies nine times in ten, the old one once in ten: the plain median is 16 times as
  // large.
  SimulatedVersions versions;
  versions.requests = 2000;
  versions.log_deviation = 0.1;
  versions.from_large = 0.1;
  versions.to_large = 0.9;
  const VersionPair same = compare_simulated(versions);
  EXPECT_EQ(same.verdict, VersionVerdict::kSame);
  EXPECT_EQ(same.payload_matched.by, "received_bytes");
  EXPECT_GT(*metric_of(same, "peak_bytes").to / *metric_of(same, "peak_bytes").from, 10);
  EXPECT_GT(*metric_of(same, "peak_bytes").plain_ratio, 5);
  EXPECT_NEAR(*metric_of(same, "peak_bytes").ratio, 1, 0.02);
  versions.ratio = 0.5;
  EXPECT_EQ(compare_simulated(versions).verdict, VersionVerdict::kImprovement);
  versions.ratio = 1.3;
  std::swap(versions.from_large, versions.to_large);
  EXPECT_EQ(compare_simulated(versions).verdict, VersionVerdict::kRegression);
}

TEST(VersionSimulation, FewerRequestsAreInconclusiveAndNeverWrong) {
  for (const double ratio : {0.5, 1.0, 3.0}) {
    for (const int requests : {1, 10, 50, 100, 200}) {
      SimulatedVersions versions;
      versions.ratio = ratio;
      versions.requests = requests;
      const VersionPair pair = compare_simulated(versions);
      EXPECT_EQ(pair.verdict, VersionVerdict::kInconclusive) << ratio << " " << requests;
      EXPECT_EQ(pair.grounds, VersionGrounds::kTooFewRequests);
      EXPECT_EQ(*pair.requests_needed, 500);
    }
  }
}

TEST(VersionSimulation, WhatIsTooUnevenSaysHowManyRequestsItTakes) {
  SimulatedVersions versions;
  versions.log_deviation = 1;
  const VersionPair pair = compare_simulated(versions);
  EXPECT_EQ(pair.verdict, VersionVerdict::kInconclusive);
  EXPECT_EQ(pair.grounds, VersionGrounds::kTooUneven);
  EXPECT_GT(*pair.requests_needed, 2000);
  versions.requests = static_cast<int>(*pair.requests_needed / 2);
  EXPECT_EQ(compare_simulated(versions).verdict, VersionVerdict::kSame);
}

TEST(VersionSimulation, OneSeedGivesOneResult) {
  const VersionPair first = compare_simulated({});
  const VersionPair second = compare_simulated({});
  EXPECT_EQ(metric_of(first, "peak_bytes").p_value, metric_of(second, "peak_bytes").p_value);
}

}  // namespace
}  // namespace heapledger::analysis
