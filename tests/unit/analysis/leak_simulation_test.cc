// Error rates of the verdicts, over hundreds of simulated services each. docs/leaks.md quotes them.
#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <list>
#include <map>
#include <string>

#include "survivor_simulation.h"

namespace heapledger::analysis {
namespace {

constexpr int kSeries = 200;
constexpr std::int64_t kRequests = 5000;

using Service = std::function<void(SimulatedEndpoint&, Random&)>;  // made anew for every series; called a request

struct Counts {
  std::map<LeakVerdict, int> verdicts;
  double worst_error = 0;  // of the bytes a request, of those judged a leak
  int outside = 0;         // of the interval
  int of(LeakVerdict verdict) const {
    const auto found = verdicts.find(verdict);
    return found == verdicts.end() ? 0 : found->second;
  }
};

void tell(const Counts& counts) {
  std::string text;
  for (const auto& [verdict, count] : counts.verdicts)
    text += std::string(" ") + name_of(verdict) + " " + std::to_string(count);
  std::cout << "            " << text << ", worst error " << counts.worst_error << ", outside " << counts.outside
            << "\n";
}

template <class Make>
Counts simulate(Make make, std::int64_t requests = kRequests, double true_rate = 0, bool by_size = true) {
  Counts counts;
  for (int series = 0; series < kSeries; ++series) {
    Random random(static_cast<std::uint64_t>(series) * 7919 + 1);
    Service service = make(random);
    Background background;
    SimulatedEndpoint endpoint;
    for (std::int64_t i = 0; i < requests; ++i) {
      endpoint.next_request();
      background.after_request(endpoint, random);
      service(endpoint, random);
    }
    const EndpointGrowth growth = endpoint.judge(by_size);
    ++counts.verdicts[growth.verdict];
    if (growth.verdict == LeakVerdict::kLeak && true_rate > 0) {
      const double error = std::abs(growth.series.rate_bytes - true_rate);
      counts.worst_error = std::max(counts.worst_error, error / true_rate);
      counts.outside += error > growth.series.rate_half_width + 1e-9 ? 1 : 0;
    }
  }
  tell(counts);
  return counts;
}

void nothing(SimulatedEndpoint&, Random&) {}

// Evicting caches ----------------------------------------------------------------------------------------------------

enum class Evicts { kFirst, kLeastUsed, kAny };

struct Cache {
  Evicts evicts;
  std::size_t capacity;
  double miss_share;  // of the requests that ask for a key never seen before
  std::int64_t entry_bytes;
  std::vector<std::uint64_t> order{};  // oldest or least used first

  void operator()(SimulatedEndpoint& endpoint, Random& random) {
    if (!happens(random, miss_share)) {
      if (evicts == Evicts::kLeastUsed && !order.empty()) {
        const auto at = order.begin() + uniform(random, 0, static_cast<std::int64_t>(order.size()) - 1);
        std::rotate(at, at + 1, order.end());
      }
      return;
    }
    order.push_back(endpoint.keep(entry_bytes));
    if (order.size() <= capacity) return;
    const auto victim = evicts == Evicts::kAny
                            ? order.begin() + uniform(random, 0, static_cast<std::int64_t>(capacity) - 1)
                            : order.begin();
    endpoint.free(*victim);
    order.erase(victim);
  }
};

Counts caches(Evicts evicts) {
  return simulate([evicts](Random& random) {
    const double miss_share = 0.3 + 0.7 * std::uniform_real_distribution<double>(0, 1)(random);
    const auto most = static_cast<std::int64_t>(0.8 * miss_share * static_cast<double>(kRequests));
    return Cache{evicts, static_cast<std::size_t>(uniform(random, 20, most)), miss_share,
                 uniform(random, 4, 4096) * 16};
  });
}

TEST(LeakSimulation, NoCleanEndpointIsALeak) {
  const Counts counts = simulate([](Random&) { return nothing; });
  EXPECT_EQ(counts.of(LeakVerdict::kNone), kSeries);
}

TEST(LeakSimulation, NoCacheThatEvictsTheFirstIsALeak) {
  const Counts counts = caches(Evicts::kFirst);
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), 0);
}

TEST(LeakSimulation, NoCacheThatEvictsTheLeastUsedIsALeak) {
  const Counts counts = caches(Evicts::kLeastUsed);
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), 0);
}

TEST(LeakSimulation, NoCacheThatEvictsAnyEntryIsALeak) {
  const Counts counts = caches(Evicts::kAny);
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), 0);
}

// A fair sample of all requests so far, or the best of them: full, it keeps as much of each cohort, less and less. One
// that was filled of late looks like a leak: here it is full before two fifths of the requests.
TEST(LeakSimulation, NoSampleOfAllRequestsIsALeak) {
  const Counts counts = simulate([](Random& random) {
    const auto entries = static_cast<std::size_t>(uniform(random, 60, 2000));
    const auto bytes = uniform(random, 128, 4096);
    return [entries, bytes, held = std::vector<std::uint64_t>()](SimulatedEndpoint& endpoint, Random& r) mutable {
      if (held.size() < entries) {
        held.push_back(endpoint.keep(bytes));
        return;
      }
      const auto place = static_cast<std::size_t>(uniform(r, 0, endpoint.now() - 1));
      if (place >= entries) return;
      endpoint.free(held[place]);
      held[place] = endpoint.keep(bytes);
    };
  });
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), 0);
}

// Entries that live for a time, each, and sessions whose lengths differ a lot.
template <class Draw>
Counts lifetimes(Draw draw) {
  return simulate([draw](Random& random) {
    const auto bytes = uniform(random, 4, 4096) * 16;
    const double typical = static_cast<double>(uniform(random, 50, 2500));
    return [draw, bytes, typical, ends = std::multimap<std::int64_t, std::uint64_t>()](SimulatedEndpoint& endpoint,
                                                                                       Random& r) mutable {
      if (happens(r, 0.7)) ends.emplace(endpoint.now() + draw(r, typical), endpoint.keep(bytes));
      for (; !ends.empty() && ends.begin()->first <= endpoint.now(); ends.erase(ends.begin())) {
        endpoint.free(ends.begin()->second);
      }
    };
  });
}

TEST(LeakSimulation, NoCacheWithATimeToLiveIsALeak) {
  const Counts counts = lifetimes([](Random&, double typical) { return static_cast<std::int64_t>(typical); });
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), 0);
}

TEST(LeakSimulation, NoSessionsAreALeak) {
  const Counts counts = lifetimes([](Random& random, double typical) {
    return static_cast<std::int64_t>(std::lognormal_distribution<double>(std::log(typical / 2), 1)(random));
  });
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), 0);
}

// Filling ------------------------------------------------------------------------------------------------------------

auto finite_keys(double least_share, double most_share) {
  return [least_share, most_share](Random& random) {
    const double share = std::uniform_real_distribution<double>(least_share, most_share)(random);
    const auto keys = static_cast<std::int64_t>(share * static_cast<double>(kRequests));
    const auto bytes = uniform(random, 4, 1024) * 16;
    return [keys, bytes, table = Growing(2, 100), seen = std::vector<bool>(static_cast<std::size_t>(keys))](
               SimulatedEndpoint& endpoint, Random& r) mutable {
      const auto key = static_cast<std::size_t>(uniform(r, 0, keys - 1));
      if (seen[key]) return;
      seen[key] = true;
      endpoint.keep(bytes);
      table.add(endpoint);
    };
  };
}

TEST(LeakSimulation, NoDictOfFiniteKeysIsALeak) {
  const Counts counts = simulate(finite_keys(0.01, 1.4));
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), 0);
}

TEST(LeakSimulation, ADictThatStillFillsIsGrowing) {
  const Counts counts = simulate(finite_keys(0.5, 1.4));
  EXPECT_EQ(counts.of(LeakVerdict::kGrowing), kSeries);
}

TEST(LeakSimulation, WarmUpIsNoLeak) {
  const Counts counts = simulate([](Random& random) {
    const auto first = uniform(random, 1, 40);
    const auto bytes = uniform(random, 100, 4000) * 1024;
    return [first, bytes](SimulatedEndpoint& endpoint, Random&) {
      if (endpoint.now() <= first) endpoint.keep(bytes / first);
    };
  });
  EXPECT_EQ(counts.of(LeakVerdict::kWarmup), kSeries);
}

TEST(LeakSimulation, OneBigSurvivorIsNoLeak) {
  const Counts counts = simulate([](Random& random) {
    const auto when = uniform(random, 1, kRequests);
    return [when](SimulatedEndpoint& endpoint, Random&) {
      if (endpoint.now() == when) endpoint.keep(10 << 20);
    };
  });
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), 0);
  EXPECT_EQ(counts.of(LeakVerdict::kGrowing), 0);
}

TEST(LeakSimulation, ACacheWhoseEntriesAreReplacedByLargerOnesIsNoLeak) {
  const Counts counts = simulate([](Random& random) {
    const auto keys = uniform(random, 20, 1000);
    return [keys, entries = std::unordered_map<std::int64_t, std::uint64_t>()](SimulatedEndpoint& endpoint,
                                                                               Random& r) mutable {
      const auto key = uniform(r, 0, keys - 1);
      if (const auto found = entries.find(key); found != entries.end()) endpoint.free(found->second);
      entries[key] = endpoint.keep(uniform(r, 10, 1000) * 16);
    };
  });
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), 0);
}

// Leaks --------------------------------------------------------------------------------------------------------------

TEST(LeakSimulation, SixtyFourBytesARequestAreFoundAlways) {
  const auto leaks = [](Random&) { return [](SimulatedEndpoint& endpoint, Random&) { endpoint.keep(64); }; };
  const Counts counts = simulate(leaks, kRequests, 64);
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), kSeries);
  EXPECT_LT(counts.worst_error, 0.05);
  const Counts few = simulate(leaks, 400, 64);
  EXPECT_GE(few.of(LeakVerdict::kLeak), kSeries * 95 / 100);
  EXPECT_EQ(few.of(LeakVerdict::kLeak) + few.of(LeakVerdict::kGrowing), kSeries);
}

TEST(LeakSimulation, SixteenBytesARequestAreFoundAlways) {
  const auto leaks = [](Random&) { return [](SimulatedEndpoint& endpoint, Random&) { endpoint.keep(16); }; };
  EXPECT_EQ(simulate(leaks).of(LeakVerdict::kLeak), kSeries);
}

TEST(LeakSimulation, AListOfBuffersIsFoundThoughItsOwnBufferIsReplaced) {
  const auto leaks = [](Random&) {
    return [list = Growing(1.125, 8)](SimulatedEndpoint& endpoint, Random&) mutable {
      endpoint.keep(64 << 10);
      list.add(endpoint);
    };
  };
  const Counts counts = simulate(leaks, 1004, 64 << 10);
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), kSeries);
  EXPECT_LT(counts.worst_error, 0.05);
}

TEST(LeakSimulation, ADictOfUniqueKeysIsFoundThoughItsTableIsReplaced) {
  const auto leaks = [](Random&) {
    return [table = Growing(2, 100)](SimulatedEndpoint& endpoint, Random&) mutable {
      endpoint.keep(64);
      table.add(endpoint);
    };
  };
  EXPECT_EQ(simulate(leaks).of(LeakVerdict::kLeak), kSeries);
}

TEST(LeakSimulation, EveryTenthRequestLeaks) {
  const Counts counts = simulate(
      [](Random&) {
        return [](SimulatedEndpoint& endpoint, Random&) {
          if (endpoint.now() % 10 == 0) endpoint.keep(1024);
        };
      },
      kRequests, 102.4);
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), kSeries);
}

TEST(LeakSimulation, OneRequestInTenLeaksByChance) {
  const Counts counts = simulate(
      [](Random&) {
        return [](SimulatedEndpoint& endpoint, Random& random) {
          if (happens(random, 0.1)) endpoint.keep(1024);
        };
      },
      kRequests, 102.4);
  EXPECT_GE(counts.of(LeakVerdict::kLeak), kSeries * 8 / 10);
  EXPECT_EQ(counts.of(LeakVerdict::kLeak) + counts.of(LeakVerdict::kGrowing), kSeries);
}

TEST(LeakSimulation, LeaksOfUnequalSizesAreFound) {
  const Counts counts = simulate([](Random&) {
    return [](SimulatedEndpoint& endpoint, Random& random) {
      endpoint.keep(static_cast<std::int64_t>(std::lognormal_distribution<double>(8, 0.7)(random)));
    };
  });
  EXPECT_GE(counts.of(LeakVerdict::kLeak), kSeries * 95 / 100);
}

TEST(LeakSimulation, ALeakThatStartsLateIsFound) {
  const Counts counts = simulate(
      [](Random&) {
        return [](SimulatedEndpoint& endpoint, Random&) {
          if (endpoint.now() > 3000) endpoint.keep(512);
        };
      },
      kRequests, 512);
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), kSeries);
}

TEST(LeakSimulation, ALeakBesideAnEvictingCacheIsFound) {
  const Counts counts = simulate(
      [](Random& random) {
        Cache cache{Evicts::kLeastUsed, static_cast<std::size_t>(uniform(random, 50, 2000)), 0.8, 4096};
        return [cache](SimulatedEndpoint& endpoint, Random& r) mutable {
          endpoint.keep(128);
          cache(endpoint, r);
        };
      },
      kRequests, 128);
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), kSeries);
}

TEST(LeakSimulation, AKilledWorkersLeakIsFoundInItsTotals) {
  const Counts counts =
      simulate([](Random&) { return [](SimulatedEndpoint& endpoint, Random&) { endpoint.keep(4096); }; }, kRequests,
               4096, false);
  EXPECT_EQ(counts.of(LeakVerdict::kLeak), kSeries);
}

TEST(LeakSimulation, TooFewRequestsAreNotJudged) {
  const auto leaks = [](Random&) { return [](SimulatedEndpoint& endpoint, Random&) { endpoint.keep(1 << 20); }; };
  EXPECT_EQ(simulate(leaks, kLeastRequests - 1).of(LeakVerdict::kUnknown), kSeries);
  EXPECT_EQ(simulate(leaks, kLeastRequests).of(LeakVerdict::kLeak), kSeries);
}

}  // namespace
}  // namespace heapledger::analysis
