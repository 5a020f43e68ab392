// The sampler: what a sample stands for, what a request held at its peak, what outlives it, frees of other threads.
#include "engine/sampler.h"

#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "engine/phases.h"
#include "fresh_engine.h"

namespace heapledger::engine {
namespace {

class SamplerTest : public FreshEngine {
 protected:
  std::uint16_t stack(std::uint64_t hash) {
    const Hold hold(e_);
    const std::uint16_t place = add_place(e_, hash, "view", 4, "app.py", 6, static_cast<std::uint32_t>(hash));
    return add_stack(e_, hash, &place, 1, false);
  }

  hl_scope request(const char* route) {
    const hl_scope scope = hl_begin();
    hl_set_endpoint(scope, hl_endpoint("GET", route, "", 0));
    hl_enter(scope);
    return scope;
  }

  // Booked, and sampled for certain: it stands for itself.
  void allocate(hl_scope scope, std::uint64_t number, std::size_t bytes, std::uint16_t through) {
    hl_allocated(address(number), bytes);
    const Hold hold(e_);
    ASSERT_TRUE(add_sample(e_, place(number), bytes, static_cast<std::uint16_t>(scope.owner), through, 1.0));
  }

  void free(std::uint64_t number) {
    drop_if_sampled(e_, place(number));
    hl_freed(address(number));
  }

  const ledger::SiteRecord& site(std::uint16_t through) {
    for (std::uint32_t i = 0; i < e_.ledger.header.site_count.load(); ++i) {
      if (e_.ledger.sites[i].stack == through) return e_.ledger.sites[i];
    }
    static const ledger::SiteRecord none{};
    return none;
  }

  static std::uintptr_t place(std::uint64_t number) { return reinterpret_cast<std::uintptr_t>(address(number)); }
};

TEST_F(SamplerTest, samples_stand_for_what_was_allocated) {
  constexpr double kMean = 10'000;
  constexpr std::size_t kSizes[] = {16, 512, 4096, 100'000};
  for (const std::size_t bytes : kSizes) {
    const std::uint64_t blocks = 40'000'000 / bytes;
    double estimated_bytes = 0;
    double estimated_blocks = 0;
    double room = static_cast<double>(draw_room(e_, kMean));
    for (std::uint64_t i = 0; i < blocks; ++i) {
      room -= static_cast<double>(bytes);
      if (room >= 0) continue;
      room = static_cast<double>(draw_room(e_, kMean));
      const double seen = -std::expm1(-static_cast<double>(bytes) / kMean);
      estimated_bytes += static_cast<double>(bytes) / seen;
      estimated_blocks += 1 / seen;
    }
    // 4,000 samples: a standard error of 1.6 % at most.
    EXPECT_NEAR(estimated_bytes / 40e6, 1.0, 0.08) << bytes;
    EXPECT_NEAR(estimated_blocks / static_cast<double>(blocks), 1.0, 0.08) << bytes;
  }
}

TEST_F(SamplerTest, a_site_knows_what_was_live_at_the_peak_and_what_outlived_the_request) {
  const std::uint16_t early = stack(1);
  const std::uint16_t kept = stack(2);
  const std::uint16_t late = stack(3);
  const hl_scope scope = request("/a");
  allocate(scope, 1, 100'000, early);
  allocate(scope, 2, 50'000, kept);  // the peak: 150,000
  free(1);
  allocate(scope, 3, 20'000, late);
  free(3);
  hl_enter({0, 0});
  hl_leave(scope, nullptr);
  EXPECT_EQ(site(early).allocated_bytes, 100'000);
  EXPECT_EQ(site(early).peak_bytes, 100'000);
  EXPECT_EQ(site(early).retained_bytes, 0);
  EXPECT_EQ(site(kept).peak_bytes, 50'000);
  EXPECT_EQ(site(kept).retained_bytes, 50'000);
  EXPECT_EQ(site(kept).retained_samples, 1u);
  EXPECT_EQ(site(late).allocated_bytes, 20'000);
  EXPECT_EQ(site(late).peak_bytes, 0);
  free(2);
  EXPECT_EQ(site(kept).retained_bytes, 0);
  EXPECT_EQ(site(kept).retained_samples, 0u);
  EXPECT_FALSE(may_be_sampled(e_.sampler, place(2)));
}

TEST_F(SamplerTest, what_came_after_the_peak_and_stays_was_not_in_it) {
  const std::uint16_t high = stack(1);
  const std::uint16_t after = stack(2);
  const hl_scope scope = request("/a");
  allocate(scope, 1, 100'000, high);
  free(1);
  allocate(scope, 2, 20'000, after);
  hl_enter({0, 0});
  hl_leave(scope, nullptr);
  EXPECT_EQ(site(high).peak_bytes, 100'000);
  EXPECT_EQ(site(after).peak_bytes, 0);
  EXPECT_EQ(site(after).retained_bytes, 20'000);
}

TEST_F(SamplerTest, a_higher_peak_replaces_the_lower_ones_set) {
  const std::uint16_t first = stack(1);
  const std::uint16_t second = stack(2);
  const hl_scope scope = request("/a");
  allocate(scope, 1, 10'000, first);
  free(1);  // a ghost of the first peak
  allocate(scope, 2, 40'000, second);
  free(2);
  hl_enter({0, 0});
  hl_leave(scope, nullptr);
  EXPECT_EQ(site(first).peak_bytes, 0);
  EXPECT_EQ(site(first).allocated_bytes, 10'000);
  EXPECT_EQ(site(second).peak_bytes, 40'000);
}

TEST_F(SamplerTest, a_peak_that_no_sample_made_is_no_samples_peak) {
  const std::uint16_t before = stack(1);
  const std::uint16_t after = stack(2);
  const std::uint16_t held = stack(3);
  const hl_scope scope = request("/a");
  allocate(scope, 1, 10'000, before);
  free(1);
  allocate(scope, 2, 5'000, held);
  hl_allocated(address(3), 400'000);  // the peak
  hl_freed(address(3));
  enter_phase(e_, {scope.generation, static_cast<std::uint16_t>(scope.owner)}, Phase::kSerialize);  // windows move on
  allocate(scope, 4, 20'000, after);
  free(4);
  free(2);
  hl_enter({0, 0});
  hl_leave(scope, nullptr);
  EXPECT_EQ(site(before).peak_bytes, 0);
  EXPECT_EQ(site(held).peak_bytes, 5'000);
  EXPECT_EQ(site(after).peak_bytes, 0);
}

TEST_F(SamplerTest, what_came_before_the_route_was_known_is_the_endpoints_too) {
  const std::uint16_t early = stack(1);
  const hl_scope scope = hl_begin();
  hl_enter(scope);
  allocate(scope, 1, 1000, early);
  allocate(scope, 2, 3000, early);
  free(1);
  const std::uint32_t endpoint = hl_endpoint("GET", "/late", "", 0);
  hl_set_endpoint(scope, endpoint);
  hl_enter({0, 0});
  hl_leave(scope, nullptr);
  EXPECT_EQ(e_.ledger.header.site_count.load(), 1u);
  EXPECT_EQ(site(early).endpoint, endpoint);
  EXPECT_EQ(site(early).samples, 2u);
  EXPECT_EQ(site(early).allocated_bytes, 4000);
}

TEST_F(SamplerTest, slots_come_back) {
  const std::uint16_t through = stack(1);
  for (std::uint64_t round = 0; round < 3 * Sampler::kSamples; ++round) {
    const hl_scope scope = request("/a");
    allocate(scope, 1, 100, through);
    free(1);
    hl_enter({0, 0});
    hl_leave(scope, nullptr);
  }
  EXPECT_EQ(e_.ledger.header.lost_samples.load(), 0u);
  EXPECT_LE(e_.sampler.used_samples, 4u);
  EXPECT_EQ(site(through).samples, std::uint64_t{3} * Sampler::kSamples);
}

TEST_F(SamplerTest, without_room_a_sample_is_counted_as_lost) {
  const std::uint16_t through = stack(1);
  const hl_scope scope = request("/a");
  const Hold hold(e_);
  for (std::uint64_t i = 1; i < Sampler::kSamples; ++i) {
    ASSERT_TRUE(add_sample(e_, place(i), 16, static_cast<std::uint16_t>(scope.owner), through, 1.0));
  }
  EXPECT_FALSE(add_sample(e_, place(0), 16, static_cast<std::uint16_t>(scope.owner), through, 1.0));
  EXPECT_EQ(e_.ledger.header.lost_samples.load(), 1u);
}

TEST_F(SamplerTest, a_free_while_another_thread_holds_the_sampler_is_made_up_for) {
  const std::uint16_t through = stack(1);
  const hl_scope scope = request("/a");
  allocate(scope, 1, 5000, through);
  hl_enter({0, 0});
  hl_leave(scope, nullptr);
  {
    const Hold hold(e_);
    std::thread other([&] { drop_sample(e_, place(1)); });
    other.join();
    EXPECT_EQ(site(through).retained_bytes, 5000);
  }
  { const Hold next(e_); }
  EXPECT_EQ(site(through).retained_bytes, 0);
}

TEST_F(SamplerTest, threads_add_and_drop_at_once) {
  const std::uint16_t through = stack(1);
  const hl_scope scope = request("/a");
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> refused{0};
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 5000; ++i) {
        const std::uint64_t number = t * 5000 + i;
        bool added = false;
        {
          const Hold hold(e_);
          added = hold && add_sample(e_, place(number), 64, static_cast<std::uint16_t>(scope.owner), through, 1.0);
        }
        if (!added) refused.fetch_add(1);
        if (added) drop_if_sampled(e_, place(number));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  hl_enter({0, 0});
  hl_leave(scope, nullptr);
  { const Hold last(e_); }
  const double lost = static_cast<double>(e_.ledger.header.lost_samples.load());
  EXPECT_NEAR(site(through).allocated_bytes, 64.0 * static_cast<double>(20'000 - refused.load()), 64 * (lost + 1));
  EXPECT_LE(site(through).retained_bytes, 64 * lost);
}

TEST_F(SamplerTest, an_endpoint_that_grows_is_sampled_finely_and_one_that_stops_no_more) {
  const std::uint32_t endpoint = hl_endpoint("GET", "/grows", "", 0);
  const auto serve = [&](std::uint64_t first, std::uint64_t requests, bool keeps) {
    for (std::uint64_t i = first; i < first + requests; ++i) {
      const hl_scope scope = request("/grows");
      hl_allocated(address(i), 64);
      if (!keeps) hl_freed(address(i));
      hl_enter({0, 0});
      hl_leave(scope, nullptr);
    }
  };
  serve(0, 64, true);
  EXPECT_EQ(e_.sampler.zoom_mean_bytes[endpoint], 0u);
  serve(64, 64, true);
  EXPECT_EQ(e_.sampler.zoom_mean_bytes[endpoint], 4096u);
  EXPECT_EQ(e_.sampler.zoomed_endpoints, 1u);
  serve(128, 64, false);
  EXPECT_EQ(e_.sampler.zoom_mean_bytes[endpoint], 0u);
  EXPECT_EQ(e_.sampler.zoomed_endpoints, 0u);
}

TEST_F(SamplerTest, the_countdown_scales_with_the_mean) {
  const std::uint32_t endpoint = hl_endpoint("GET", "/zoomed", "", 0);
  e_.sampler.zoom_mean_bytes[endpoint] = 4096;
  e_.sampler.zoomed_endpoints = 1;
  e_.sampler.room_bytes = 64 * 1024;
  const hl_scope scope = request("/zoomed");
  retune(e_, static_cast<std::uint16_t>(scope.owner));
  EXPECT_EQ(e_.sampler.room_bytes, 1024u);
  retune(e_, ledger::kOwnerService);
  EXPECT_EQ(e_.sampler.room_bytes, 64u * 1024);
  EXPECT_EQ(e_.sampler.mean_bytes, kMeanBytes);
}

}  // namespace
}  // namespace heapledger::engine
