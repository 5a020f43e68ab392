// LedgerView: what it reads from a healthy ledger, and that nothing in a sick one reaches further than an answer.
#include "ledger/ledger_view.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <random>

#include "synthetic_ledger.h"
#include "temporary_folder.h"

namespace heapledger::ledger {
namespace {

using testing::SyntheticLedger;
using testing::TemporaryFolder;

std::unique_ptr<LedgerView> view_of(SyntheticLedger& synthetic) {
  std::string error;
  auto view = LedgerView::over(synthetic.raw(), error);
  EXPECT_TRUE(view) << error;
  return view;
}

std::vector<std::uint64_t> drained(LedgerView& view, bool dead, std::size_t max = 1'000'000,
                                   DrainResult* result = nullptr) {
  std::vector<std::uint64_t> sequences;
  const DrainResult drain =
      view.drain(dead, max, [&](const FinishedRequest& request) { sequences.push_back(request.sequence); });
  if (result != nullptr) *result = drain;
  return sequences;
}

TEST(LedgerView, HandsOverRequestsInRingOrderAndGivesSlotsBackOnlyOnRelease) {
  SyntheticLedger synthetic;
  const std::uint32_t endpoint = synthetic.add_endpoint("GET", "/orders");
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) synthetic.add_request(sequence, endpoint);
  const auto view = view_of(synthetic);
  EXPECT_EQ(drained(*view, false), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(synthetic.header().ring_tail.load(), 0U);
  view->release();
  EXPECT_EQ(synthetic.header().ring_tail.load(), 3U);
  EXPECT_FALSE(view->has_requests());
}

TEST(LedgerView, WaitsForALivingWritersIncompleteRecordAndSkipsADeadOnes) {
  SyntheticLedger synthetic;
  synthetic.add_request(1, 0);
  synthetic.reserve(2, 0);
  synthetic.add_request(3, 0);
  const auto view = view_of(synthetic);
  DrainResult result;
  EXPECT_EQ(drained(*view, false, 100, &result), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(result.lost, 0U);
  EXPECT_EQ(drained(*view, true, 100, &result), (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(result.lost, 1U);
}

TEST(LedgerView, StopsAtMaxAndContinuesThere) {
  SyntheticLedger synthetic;
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) synthetic.add_request(sequence, 0);
  const auto view = view_of(synthetic);
  DrainResult result;
  EXPECT_EQ(drained(*view, false, 4, &result).size(), 4U);
  EXPECT_TRUE(result.more);
  EXPECT_EQ(drained(*view, false, 100, &result), (std::vector<std::uint64_t>{5, 6, 7, 8, 9, 10}));
  EXPECT_FALSE(result.more);
}

TEST(LedgerView, GoesRoundTheRingManyTimesWithoutLosingARecord) {
  SyntheticLedger synthetic;
  const auto view = view_of(synthetic);
  std::uint64_t next = 1;
  std::uint64_t expected = 1;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 1000; ++i) synthetic.add_request(next++, 0);
    for (const std::uint64_t sequence : drained(*view, false)) EXPECT_EQ(sequence, expected++);
    view->release();
  }
  EXPECT_EQ(expected, next);
}

TEST(LedgerView, CountsWhatAnImpossibleHeadClaimsToHaveOverwritten) {
  SyntheticLedger synthetic;
  synthetic.header().ring_head.store(kRingRecords + 500);
  const auto view = view_of(synthetic);
  DrainResult result;
  EXPECT_TRUE(drained(*view, true, 100'000, &result).empty());
  EXPECT_EQ(result.lost, kRingRecords + 500U);
}

TEST(LedgerView, AHeadBehindTheTailDeliversNothing) {
  SyntheticLedger synthetic;
  synthetic.header().ring_tail.store(100);
  synthetic.header().ring_head.store(7);
  const auto view = view_of(synthetic);
  EXPECT_TRUE(drained(*view, true).empty());
}

TEST(LedgerView, ReadsEveryFieldOfARequest) {
  SyntheticLedger synthetic;
  RingRecord& record = synthetic.reserve(7, 3);
  record.flags = kRequestRaised | kRequestStreamedOut;
  record.received_bytes = 11;
  record.sent_bytes = 12;
  record.in_flight_at_start = 13;
  record.in_flight_peak = 14;
  record.adopted_bytes = 15;
  record.native_allocated_bytes = 16;
  record.native_peak_bytes = 17;
  record.running_ns = 18;
  record.after_response_bytes = 19;
  record.byte_seconds = std::numeric_limits<double>::quiet_NaN();
  record.request_type_offset = synthetic.add_text("application/json");
  record.request_type_bytes = 16;
  synthetic.commit(record);
  const auto view = view_of(synthetic);
  FinishedRequest request;
  view->drain(false, 1, [&](const FinishedRequest& one) { request = one; });
  EXPECT_EQ(request.endpoint, 3U);
  EXPECT_EQ(request.flags, kRequestRaised | kRequestStreamedOut);
  EXPECT_EQ(request.received_bytes, 11U);
  EXPECT_EQ(request.sent_bytes, 12U);
  EXPECT_EQ(request.in_flight_at_start, 13U);
  EXPECT_EQ(request.in_flight_peak, 14U);
  EXPECT_EQ(request.adopted_bytes, 15U);
  EXPECT_EQ(request.native_allocated_bytes, 16U);
  EXPECT_EQ(request.native_peak_bytes, 17U);
  EXPECT_EQ(request.running_ns, 18U);
  EXPECT_EQ(request.after_response_bytes, 19U);
  EXPECT_EQ(request.byte_seconds, 0.0);
  EXPECT_EQ(view->text(request.request_type), "application/json");
  EXPECT_EQ(view->text(request.response_type), "");
  EXPECT_FALSE(request.phases);
}

TEST(LedgerView, PhasesAreThereWhereTheyWereSeenAndEncodingsAreOnesThatAreKnown) {
  SyntheticLedger synthetic;
  RingRecord& record = synthetic.reserve(1, 0);
  record.flags = kRequestPhases;
  record.phases[static_cast<std::size_t>(Phase::kSerialize)] = PackedPhase::of({5'000'000'000, 6'000'000'000, 7});
  record.request_encoding = Encoding::kGzip;
  record.response_encoding = static_cast<Encoding>(200);
  synthetic.commit(record);
  FinishedRequest request;
  view_of(synthetic)->drain(false, 1, [&](const FinishedRequest& one) { request = one; });
  ASSERT_TRUE(request.phases);
  EXPECT_EQ(request.phases->at(static_cast<std::size_t>(Phase::kSerialize)),
            (PhaseFigures{5'000'000'000, 6'000'000'000, 7}));
  EXPECT_EQ(request.phases->at(static_cast<std::size_t>(Phase::kRead)), PhaseFigures{});
  EXPECT_EQ(request.request_encoding, Encoding::kGzip);
  EXPECT_EQ(request.response_encoding, Encoding::kOther);
}

TEST(LedgerView, BodyLimitsBelowTheCountAreRead) {
  SyntheticLedger synthetic;
  const std::uint32_t name = synthetic.add_text("Flask MAX_CONTENT_LENGTH");
  synthetic.header().body_limits[0] = {0, name, 24, 0, 1000};
  synthetic.header().body_limits[1] = {7, name, 5, 0, kNoBodyLimit};
  synthetic.header().body_limits[2] = {7, 0xFFFF'FFFF, 0xFFFF'FFFF, 0, 1};
  synthetic.header().body_limit_count.store(3);
  const std::vector<BodyLimitSeen> limits = view_of(synthetic)->body_limits();
  ASSERT_EQ(limits.size(), 3U);
  EXPECT_EQ(limits[0].setting, "Flask MAX_CONTENT_LENGTH");
  EXPECT_EQ(limits[0].limit_bytes, 1000U);
  EXPECT_EQ(limits[1].setting, "Flask");
  EXPECT_EQ(limits[1].endpoint, 7U);
  EXPECT_FALSE(limits[1].limit_bytes);
  EXPECT_EQ(limits[2].setting, "");
  synthetic.header().body_limit_count.store(0xFFFF'FFFF);
  EXPECT_EQ(view_of(synthetic)->body_limits().size(), kBodyLimits);
}

TEST(LedgerView, SumsBothBanksByKindEndpointAndImport) {
  SyntheticLedger synthetic;
  const std::uint32_t orders = synthetic.add_endpoint("GET", "/orders");
  synthetic.set_owner(kOwnerService, OwnerKind::kService, OwnerState::kOpen, 1000, 600);
  synthetic.raw().off_gil[kOwnerService].allocated_bytes.store(50);
  synthetic.raw().off_gil[kOwnerService].live_bytes.store(-20);
  OwnerRecord& json = synthetic.set_owner(2, OwnerKind::kImport, OwnerState::kOpen, 300, 300);
  json.name_offset = synthetic.add_text("json");
  json.name_bytes = 4;
  synthetic.set_owner(3, OwnerKind::kRequest, OwnerState::kOpen, 40, 30).endpoint = orders;
  synthetic.set_owner(4, OwnerKind::kRequest, OwnerState::kEnded, 20, 5).endpoint = orders;
  synthetic.set_owner(5, OwnerKind::kRequest, OwnerState::kSweeping, 10, 1).endpoint = orders;
  synthetic.set_owner(6, OwnerKind::kTenured, OwnerState::kOpen, 7, 7).endpoint = orders;
  synthetic.set_owner(7, OwnerKind::kRequest, OwnerState::kFree, 0, 0);
  synthetic.header().retired_owners = 9;
  synthetic.header().retired_allocated_bytes = 10'000;
  const auto view = view_of(synthetic);

  const std::vector<OwnerTotal> totals = view->owner_totals();
  const auto find = [&](TotalKind kind) {
    const auto at = std::find_if(totals.begin(), totals.end(), [&](const auto& total) { return total.kind == kind; });
    return at == totals.end() ? OwnerTotal{} : *at;
  };
  EXPECT_EQ(find(TotalKind::kService).allocated_bytes, 1050U);
  EXPECT_EQ(find(TotalKind::kService).live_bytes, 580);
  EXPECT_EQ(view->text(find(TotalKind::kImport).name), "json");
  EXPECT_EQ(find(TotalKind::kOpen).live_bytes, 30);
  EXPECT_EQ(find(TotalKind::kOpen).endpoint, orders);
  EXPECT_EQ(find(TotalKind::kRequest).owners, 2U);
  EXPECT_EQ(find(TotalKind::kRequest).allocated_bytes, 30U);
  EXPECT_EQ(find(TotalKind::kRequest).live_bytes, 6);
  EXPECT_EQ(find(TotalKind::kTenured).live_bytes, 7);
  EXPECT_EQ(find(TotalKind::kRetired).allocated_bytes, 10'000U);
  EXPECT_EQ(find(TotalKind::kRetired).live_bytes, 0);

  const ProcessTotals sums = view->totals();
  EXPECT_EQ(sums.allocated_bytes, 10'000U + 1050 + 300 + 40 + 20 + 10 + 7);
  EXPECT_EQ(sums.live_bytes, 580 + 300 + 30 + 5 + 1 + 7);
  EXPECT_EQ(sums.unattributed_bytes, 1350U);
  EXPECT_EQ(view->live_bytes(), sums.live_bytes);
}

TEST(LedgerView, PeakOfAnOpenRequestIsTheLargestOfItsThreeTraces) {
  SyntheticLedger synthetic;
  synthetic.set_owner(2, OwnerKind::kRequest, OwnerState::kOpen, 5000, 100);
  HotBank& hot = synthetic.raw().hot[2];
  const auto peak = [&] { return view_of(synthetic)->open_requests().at(0).peak_bytes; };
  EXPECT_EQ(peak(), 100U);
  hot.min_room = 1000 - 300;  // 300 bytes more were live since the last fold
  EXPECT_EQ(peak(), 400U);
  synthetic.raw().off_gil[2].live_bytes.store(25);
  EXPECT_EQ(peak(), 425U);
  hot.peak_bytes = 900;
  EXPECT_EQ(peak(), 900U);
  synthetic.raw().off_gil[2].peak_bytes.store(1234);
  EXPECT_EQ(peak(), 1234U);
}

TEST(LedgerView, ARespondedOwnerOfADeadWorkerBecomesARowAndAnIgnoredOneDoesNot) {
  SyntheticLedger synthetic;
  OwnerRecord& owner = synthetic.set_owner(2, OwnerKind::kRequest, OwnerState::kResponded, 700, 50);
  owner.sequence = 42;
  owner.at_end.allocated_bytes = 600;
  owner.at_end.peak_bytes = 300;
  owner.at_end.status = 201;
  owner.at_end.duration_ns = 5000;
  OwnerRecord& ignored = synthetic.set_owner(3, OwnerKind::kRequest, OwnerState::kResponded, 700, 50);
  ignored.flags = kOwnerDiscarded;
  const auto rows = view_of(synthetic)->responded_requests();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].sequence, 42U);
  EXPECT_EQ(rows[0].status, 201U);
  EXPECT_EQ(rows[0].allocated_bytes, 600U);
  EXPECT_EQ(rows[0].after_response_bytes, 100U);
  EXPECT_TRUE(view_of(synthetic)->open_requests().empty());
}

TEST(LedgerView, ARecordTornByItsWritersDeathIsSaidToBeTorn) {
  SyntheticLedger synthetic;
  synthetic.set_owner(2, OwnerKind::kRequest, OwnerState::kOpen, 10, 10).generation = 3;
  const auto view = view_of(synthetic);
  EXPECT_EQ(view->totals().torn_owners, 1U);
  EXPECT_EQ(view->totals().live_bytes, 10);
}

TEST(LedgerView, EndpointsBelowTheCountAreReadOthersAreNot) {
  SyntheticLedger synthetic;
  const std::uint32_t id = synthetic.add_endpoint("POST", "/orders/{id}", "2", true);
  const auto view = view_of(synthetic);
  const std::optional<Endpoint> endpoint = view->endpoint(id);
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(view->text(endpoint->method), "POST");
  EXPECT_EQ(view->text(endpoint->route), "/orders/{id}");
  EXPECT_EQ(view->text(endpoint->version), "2");
  EXPECT_TRUE(endpoint->deprecated);
  EXPECT_FALSE(view->endpoint(kEndpointUnknown));
  EXPECT_FALSE(view->endpoint(id + 1));
  EXPECT_FALSE(view->endpoint(kEndpointSlots));
  synthetic.header().endpoint_count.store(0xFFFFFFFF);
  EXPECT_FALSE(view->endpoint(kEndpointSlots));
  EXPECT_FALSE(view->endpoint(0x80000000U));
}

TEST(LedgerView, TextsOutsideTheHeapAreEmpty) {
  SyntheticLedger synthetic;
  const auto view = view_of(synthetic);
  EXPECT_EQ(view->text({kStringHeapBytes, 1}), "");
  EXPECT_EQ(view->text({0xFFFFFFFF, 0xFFFFFFFF}), "");
  EXPECT_EQ(view->text({kStringHeapBytes - 1, 2}), "");
  EXPECT_EQ(view->text({kStringHeapBytes - 1, 1}).size(), 1U);
}

TEST(LedgerView, PeakComesFromTheCompleteBufferAndListsAtMostItsMembers) {
  SyntheticLedger synthetic;
  const auto view = view_of(synthetic);
  EXPECT_FALSE(view->peak());
  PeakRecord& record = synthetic.raw().peaks[1];
  record.at_unix_ns = 5;
  record.live_bytes = 100;
  record.in_flight = 900;
  record.member_count = 0xFFFFFFFF;
  record.members[0] = {1, 0, 17, 90};
  synthetic.header().peak_current.store(1);
  const std::optional<Peak> peak = view->peak();
  ASSERT_TRUE(peak);
  EXPECT_EQ(peak->in_flight, 900U);
  EXPECT_EQ(peak->members.size(), kPeakMembers);
  EXPECT_EQ(peak->members[0].sequence, 17U);
}

TEST(LedgerView, ASampleThatIsBeingWrittenIsNoSample) {
  SyntheticLedger synthetic;
  const auto view = view_of(synthetic);
  EXPECT_FALSE(view->sample());
  synthetic.raw().sample.rss_bytes = 77;
  synthetic.raw().sample.version.store(3);
  EXPECT_FALSE(view->sample());
  synthetic.raw().sample.version.store(4);
  EXPECT_EQ(view->sample().value().rss_bytes, 77U);
}

TEST(LedgerView, RefusesOtherFilesWithAReason) {
  const TemporaryFolder folder;
  const auto why = [&](const std::string& path) {
    std::string error;
    EXPECT_FALSE(LedgerView::open(path, error)) << path;
    return error;
  };
  SyntheticLedger synthetic;
  const std::string good = folder / "good.ledger";
  synthetic.write_to(good);
  std::string error;
  EXPECT_TRUE(LedgerView::open(good, error)) << error;

  EXPECT_EQ(why(folder / "absent"), "No such file or directory");
  EXPECT_EQ(why(folder.path()), "Is a directory");
  ASSERT_EQ(::symlink(good.c_str(), (folder / "link").c_str()), 0);
  EXPECT_EQ(why(folder / "link"), "Too many levels of symbolic links");
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(why(folder / "fifo"), "not a regular file");
  ASSERT_EQ(::truncate(good.c_str(), 4096), 0);
  EXPECT_EQ(why(good), "not a ledger (other size)");
  synthetic.header().layout_version = kLayoutVersion + 1;
  synthetic.write_to(good);
  EXPECT_NE(why(good).find("layout version"), std::string::npos);
  synthetic.header().magic = 0;
  synthetic.write_to(good);
  EXPECT_NE(why(good).find("magic"), std::string::npos);
}

TEST(LedgerView, ReleaseMovesTheTailInTheFileThatTheWorkerShares) {
  const TemporaryFolder folder;
  SyntheticLedger synthetic;
  synthetic.add_request(1, 0);
  synthetic.write_to(folder / "a.ledger");
  std::string error;
  const auto collector = LedgerView::open(folder / "a.ledger", error);
  ASSERT_TRUE(collector) << error;
  EXPECT_EQ(drained(*collector, false).size(), 1U);
  collector->release();
  const auto second = LedgerView::open(folder / "a.ledger", error);
  EXPECT_TRUE(drained(*second, false).empty());
}

// Random bytes everywhere behind a valid identity: every function answers, bounded and without undefined behaviour.
TEST(LedgerView, SurvivesArbitraryBytes) {
  std::mt19937_64 random(20261124);
  for (int round = 0; round < 8; ++round) {
    SyntheticLedger synthetic;
    auto* words = reinterpret_cast<std::uint64_t*>(&synthetic.raw());
    for (std::size_t i = 8; i < sizeof(Ledger) / sizeof(std::uint64_t); ++i) words[i] = random();
    const auto view = view_of(synthetic);
    view->counters();
    std::size_t delivered = 0;
    view->drain(true, kRingRecords, [&](const FinishedRequest& request) {
      ++delivered;
      view->endpoint(request.endpoint);
      view->text(request.request_type);
    });
    view->release();
    EXPECT_LE(delivered, kRingRecords);
    EXPECT_LE(view->owner_totals().size(), kOwnerSlots + 1);
    view->responded_requests();
    view->open_requests();
    view->totals();
    view->live_bytes();
    view->peak();
    view->sample();
    view->body_limits();
  }
}

}  // namespace
}  // namespace heapledger::ledger
