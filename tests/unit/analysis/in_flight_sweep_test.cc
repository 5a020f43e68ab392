// The sweep against the plainest computation of the same: every pair of requests looked at.
#include "analysis/in_flight_sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "analysis/live_curves.h"

namespace heapledger::analysis {
namespace {

using testing::UnorderedElementsAre;

constexpr std::uint64_t kFull = ~std::uint64_t{0};

SweptRequest swept(std::uint32_t endpoint, std::int64_t started_us, std::int64_t duration_us, std::uint64_t peak_bytes,
                   std::uint64_t curve = kFull, std::uint8_t peak_percent = 0) {
  SweptRequest request;
  request.endpoint = endpoint;
  request.started_us = started_us;
  request.duration_us = duration_us;
  request.peak_bytes = peak_bytes;
  request.curve = curve;
  request.peak_percent = peak_percent;
  return request;
}

struct Seen {
  const SweptRequest* request;
  std::vector<std::uint32_t> beside;
  double highest_bytes;
};

std::vector<Seen> sweep(const std::vector<SweptRequest>& requests, std::size_t endpoints) {
  std::vector<Seen> seen;
  const auto visit = [&](const SweptRequest& request, auto beside, double highest) {
    seen.push_back({&request, {beside.begin(), beside.end()}, highest});
  };
  InFlightSweep(endpoints).run(requests, visit, [](const MomentView& moment) {
    double sum = moment.peaking_bytes;
    for (const std::uint32_t endpoint : moment.endpoints) sum += moment.live_bytes[endpoint];
    EXPECT_DOUBLE_EQ(sum, moment.bytes);
  });
  return seen;
}

TEST(InFlightSweep, KnowsWhoWasInFlightAtTheStart) {
  const std::vector<SweptRequest> requests = {swept(0, 0, 100, 10), swept(1, 10, 20, 5), swept(0, 20, 5, 7),
                                              swept(2, 100, 1, 1)};
  const auto seen = sweep(requests, 3);
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[0].request, &requests[2]);  // in the order of ends
  EXPECT_THAT(seen[0].beside, UnorderedElementsAre(0U, 1U));
  EXPECT_DOUBLE_EQ(seen[0].highest_bytes, 22);
  EXPECT_THAT(seen[1].beside, UnorderedElementsAre(0U));
  EXPECT_DOUBLE_EQ(seen[1].highest_bytes, 22);
  EXPECT_TRUE(seen[2].beside.empty());
  EXPECT_DOUBLE_EQ(seen[2].highest_bytes, 22);
  EXPECT_TRUE(seen[3].beside.empty());  // one that ends at that moment is not beside
  EXPECT_DOUBLE_EQ(seen[3].highest_bytes, 1);
}

TEST(InFlightSweep, FollowsTheCurves) {
  const std::uint64_t first_half = kFull << 32U;
  const auto seen = sweep({swept(0, 0, 160, 1500, first_half), swept(1, 70, 5, 100), swept(1, 90, 5, 100)}, 2);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_DOUBLE_EQ(seen[0].highest_bytes, 1600);
  EXPECT_DOUBLE_EQ(seen[1].highest_bytes, 100);
  EXPECT_DOUBLE_EQ(seen[2].highest_bytes, 1600);
}

TEST(InFlightSweep, TakesAnyNumbers) {
  constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
  const auto seen =
      sweep({swept(0, std::numeric_limits<std::int64_t>::min(), kLargest, 1), swept(0, -5, kLargest, kFull),
             swept(0, 0, 0, 0), swept(0, kLargest, kLargest, kFull, 0x0123456789ABCDEF, 100)},
            1);
  EXPECT_EQ(seen.size(), 4U);
}

double level_at(const SweptRequest& request, double at_us) {
  const double share = (at_us - static_cast<double>(request.started_us)) / static_cast<double>(request.duration_us);
  const auto part = static_cast<std::size_t>(std::clamp(share * kCurveParts, 0.0, 15.0));
  return std::floor(static_cast<double>(request.peak_bytes) * curve_level(request.curve, part) / 15);
}

// Times are multiples of 1600 us, so that no two parts' edges are told apart by rounding.
TEST(InFlightSweep, AgreesWithEveryPairLookedAt) {
  std::mt19937_64 random(11);
  for (int series = 0; series < 30; ++series) {
    std::vector<SweptRequest> requests;
    for (int i = 0; i < 60; ++i) {
      requests.push_back(swept(static_cast<std::uint32_t>(random() % 5),
                               static_cast<std::int64_t>(random() % 100) * 1600,
                               static_cast<std::int64_t>(1 + random() % 30) * 1600, random() % 100'000, random(),
                               static_cast<std::uint8_t>(random() % 101)));
    }
    std::stable_sort(requests.begin(), requests.end(),
                     [](const auto& left, const auto& right) { return left.started_us < right.started_us; });
    for (const Seen& seen : sweep(requests, 5)) {
      const auto start = seen.request->started_us;
      const auto end = start + seen.request->duration_us;
      std::set<std::uint32_t> beside;
      for (const SweptRequest& other : requests) {
        const bool before = other.started_us < start || (other.started_us == start && &other < seen.request);
        if (before && other.started_us + other.duration_us > start) beside.insert(other.endpoint);
      }
      EXPECT_EQ(std::set<std::uint32_t>(seen.beside.begin(), seen.beside.end()), beside);
      double least = 0;
      double most = 0;
      for (const SweptRequest& peaking : requests) {
        const auto at = peaking.started_us + peaking.duration_us * peaking.peak_percent / 100;
        if (at < start || at > end) continue;
        double live = static_cast<double>(peaking.peak_bytes);
        double live_or_edge = live;
        for (const SweptRequest& other : requests) {
          const auto ends = other.started_us + other.duration_us;
          if (&other == &peaking || at < other.started_us || at > ends) continue;
          const double before = level_at(other, static_cast<double>(at) - 1);
          const double after = level_at(other, static_cast<double>(at) + 1);
          const bool edge = at == other.started_us || at == ends;
          live += edge ? 0 : std::min(before, after);
          live_or_edge += std::max(before, after);
        }
        const bool inside = at > start && at < end;
        least = inside || &peaking == seen.request ? std::max(least, live) : least;
        most = std::max(most, live_or_edge);
      }
      EXPECT_GE(seen.highest_bytes, least);
      EXPECT_LE(seen.highest_bytes, most);
    }
  }
}

}  // namespace
}  // namespace heapledger::analysis
