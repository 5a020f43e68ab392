// --max-size: single requests become time slices, and nothing that can be counted is lost by it.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "../ledger/temporary_folder.h"
#include "recording/figures.h"
#include "recordings_for_tests.h"

namespace heapledger::recording {
namespace {

using heapledger::testing::TemporaryFolder;

TEST(Figures, ABinHoldsTheValuesThatItsDefinitionSays) {
  EXPECT_EQ(figure_bin(0), 0);
  EXPECT_EQ(figure_bin(-3), 0);
  EXPECT_EQ(figure_bin(1), 1);
  EXPECT_EQ(figure_bin(2), 9);
  EXPECT_EQ(figure_bin(1024), 81);
  EXPECT_EQ(figure_bin(0.5), -8);
  for (const double value : {1e-9, 0.3, 0.99, 1.0, 3.0, 12345.0, 1e12}) {
    const double bin = figure_bin(value);
    const double low = bin > 0 ? std::exp2((bin - 1) / 8) : std::exp2(bin / 8);
    EXPECT_LE(low, value * (1 + 1e-12)) << value;
    EXPECT_LT(value, low * std::exp2(1.0 / 8) * (1 + 1e-12)) << value;
  }
}

TEST(Figures, SurviveTheWayThroughJson) {
  SliceRow slice;
  add_request(slice, a_request(1, 1, 5));
  add_request(slice, a_request(1, 1, 500));
  SliceRow back;
  parse_figures_json(figures_json(slice), back);
  EXPECT_EQ(back.allocated_bytes.sum, 505'000);
  EXPECT_EQ(back.allocated_bytes.max, 500'000);
  EXPECT_EQ(back.allocated_bytes.bins, slice.allocated_bytes.bins);
  EXPECT_EQ(back.byte_seconds.sum, 0.5);
  EXPECT_TRUE(back.native_peak_bytes.bins.empty());
}

TEST(Folding, KeepsCountsSumsAndMaximaOfEveryEndpoint) {
  const TemporaryFolder folder;
  constexpr std::int64_t kRequests = 1000;
  {
    const auto store = Store::create(folder / "r.db", beginning());
    store->begin();
    const std::int64_t worker = store->add_worker(a_worker());
    const std::int64_t get = store->intern_endpoint({0, "GET", "/orders", "", false});
    const std::int64_t post = store->intern_endpoint({0, "POST", "/orders", "", false});
    for (std::int64_t sequence = 1; sequence <= kRequests; ++sequence) {
      RequestRow row = a_request(worker, sequence % 2 == 0 ? get : post, sequence);
      row.started_us = sequence * 10'000;  // ten seconds in all
      row.status = sequence % 10 == 0 ? 500 : 200;
      store->add_request(row);
    }
    store->commit();
    for (const std::int64_t part : {300, 300}) {
      store->begin();
      EXPECT_TRUE(store->fold_oldest(part));
      store->commit();
    }
    store->close(kStartedNs, true);
  }
  const Recording recording(folder / "r.db");
  EXPECT_EQ(recording.requests().size(), 400U);
  EXPECT_EQ(recording.requests().front().sequence, 601);
  EXPECT_EQ(recording.read_meta().single_requests_since_us, 600 * 10'000 + 1);
  std::int64_t requests = 0;
  std::int64_t errors = 0;
  double allocated = 0;
  double max = 0;
  for (const SliceRow& slice : recording.slices()) {
    requests += slice.requests;
    errors += slice.errors;
    allocated += slice.allocated_bytes.sum;
    max = std::max(max, slice.allocated_bytes.max);
    EXPECT_EQ(slice.until_us - slice.from_us, 1'000'000);
    std::int64_t binned = 0;
    for (const auto& [bin, count] : slice.peak_bytes.bins) binned += count;
    EXPECT_EQ(binned, slice.requests);
  }
  EXPECT_EQ(requests, 600);
  EXPECT_EQ(errors, 60);
  EXPECT_EQ(allocated, 1000.0 * (600 * 601 / 2));
  EXPECT_EQ(max, 600'000);
}

TEST(Folding, CoarserSlicesHoldTheSameSums) {
  const TemporaryFolder folder;
  const auto store = Store::create(folder / "r.db", beginning());
  store->begin();
  const std::int64_t worker = store->add_worker(a_worker());
  const std::int64_t endpoint = store->intern_endpoint({0, "GET", "/orders", "", false});
  for (std::int64_t sequence = 1; sequence <= 64; ++sequence) {
    RequestRow row = a_request(worker, endpoint, sequence);
    row.started_us = sequence * 1'000'000;
    store->add_request(row);
    store->add_timeline({worker, row.started_us, 1, 1, 0, std::nullopt, std::nullopt});
  }
  store->fold_oldest(64);
  store->commit();
  EXPECT_EQ(Recording(folder / "r.db").slices().size(), 64U);
  store->begin();
  store->coarsen(0);  // nothing fits: twice the span, every second older sample
  store->commit();
  const Recording recording(folder / "r.db");
  EXPECT_EQ(recording.slices().size(), 33U);  // [1, 2), [2, 4), ... [64, 66)
  EXPECT_EQ(recording.timeline().size(), 48U);
  double allocated = 0;
  for (const SliceRow& slice : recording.slices()) allocated += slice.allocated_bytes.sum;
  EXPECT_EQ(allocated, 1000.0 * (64 * 65 / 2));
}

TEST(Folding, FreesThePagesOfFoldedRows) {
  const TemporaryFolder folder;
  const auto store = Store::create(folder / "r.db", beginning());
  store->begin();
  const std::int64_t worker = store->add_worker(a_worker());
  const std::int64_t endpoint = store->intern_endpoint({0, "GET", "/orders", "", false});
  for (std::int64_t sequence = 1; sequence <= 20'000; ++sequence) {
    store->add_request(a_request(worker, endpoint, sequence));
  }
  store->commit();
  const std::int64_t before = store->used_bytes();
  store->begin();
  store->fold_oldest(15'000);
  store->commit();
  EXPECT_LT(store->used_bytes(), before / 2);
  EXPECT_FALSE(store->close(kStartedNs, true) && Recording(folder / "r.db").requests().size() != 5000);
}

}  // namespace
}  // namespace heapledger::recording
