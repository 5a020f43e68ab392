#include "analysis/payloads_analysis.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "payload_rows.h"
#include "recording/recording.h"

namespace heapledger::analysis {
namespace {

using Rows = std::vector<recording::BodyRow>;
constexpr std::int64_t kBase = 10'000'000;

EndpointPayloads only(const PayloadsResult& result) {
  EXPECT_EQ(result.endpoints.size(), 1U);
  return result.endpoints.empty() ? EndpointPayloads{} : result.endpoints.front();
}

EndpointPayloads analyze_one(const Rows& rows) { return only(analyze_payloads(small_tables(), rows)); }

void expect_ratio(const PayloadModel& model, double ratio) {
  ASSERT_TRUE(model.amplification_ratio);
  EXPECT_NEAR(*model.amplification_ratio, ratio, 0.03 * std::max(ratio, 0.1));
  EXPECT_LE(model.amplification_ratio_interval->low, ratio + 0.001);
  EXPECT_GE(model.amplification_ratio_interval->high, ratio - 0.001);
}

TEST(PayloadsAnalysis, RecoversAmplificationAndBaseInEitherDirection) {
  for (const std::int64_t ratio : {1, 2, 8}) {
    for (const std::int64_t base : {std::int64_t{0}, kBase}) {
      for (const bool in : {true, false}) {
        Sizes sizes;
        Rows rows;
        for (int i = 0; i < 300; ++i) {
          const std::int64_t size = sizes.next();
          const std::int64_t peak = 20'000 + base + ratio * size + sizes.noise(30'000);
          rows.push_back(in ? payload_row(1, size, 0, peak) : payload_row(1, 0, size, peak));
        }
        const EndpointPayloads endpoint = analyze_one(rows);
        const PayloadDirection& direction = in ? endpoint.request : endpoint.response;
        expect_ratio(direction.model, static_cast<double>(ratio));
        EXPECT_NEAR(*direction.model.base_bytes, static_cast<double>(base + 35'000), 0.03 * kBase);
        EXPECT_EQ(direction.model.linear, true);
        EXPECT_EQ(direction.mode, PayloadMode::kBuffered);
        EXPECT_EQ((in ? endpoint.response : endpoint.request).mode, PayloadMode::kNone);
        EXPECT_EQ(endpoint.requirement.basis, RequirementBasis::kModel);
        EXPECT_NEAR(static_cast<double>(*endpoint.requirement.p99_bytes),
                    static_cast<double>(35'000 + base + ratio * static_cast<std::int64_t>(*direction.size_bytes.p99)),
                    0.03 * static_cast<double>(*endpoint.requirement.p99_bytes));
      }
    }
  }
}

TEST(PayloadsAnalysis, TellsBothDirectionsApart) {
  Sizes in;
  Rows rows;
  for (int i = 0; i < 400; ++i) {
    const std::int64_t received = in.next();
    const std::int64_t sent = in.next();
    rows.push_back(payload_row(1, received, sent, kBase + 8 * received + 2 * sent + in.noise(20'000)));
  }
  const EndpointPayloads endpoint = analyze_one(rows);
  expect_ratio(endpoint.request.model, 8);
  expect_ratio(endpoint.response.model, 2);
  EXPECT_TRUE(endpoint.request.model.with_other_direction);
}

TEST(PayloadsAnalysis, SaysThatSizesMoveTogether) {
  Sizes sizes;
  Rows rows;
  for (int i = 0; i < 200; ++i) {
    const std::int64_t size = sizes.next();
    rows.push_back(payload_row(1, size, 2 * size, kBase + 6 * size));
  }
  const EndpointPayloads endpoint = analyze_one(rows);
  EXPECT_EQ(endpoint.request.model.gap, ModelGap::kMovesTogether);
  EXPECT_EQ(endpoint.response.model.gap, ModelGap::kMovesTogether);
  EXPECT_FALSE(endpoint.request.model.amplification_ratio);
  // What a payload needs is known all the same.
  EXPECT_EQ(endpoint.requirement.basis, RequirementBasis::kModel);
  EXPECT_NEAR(static_cast<double>(endpoint.requirement.largest_bytes),
              static_cast<double>(kBase + 6 * static_cast<std::int64_t>(endpoint.request.size_bytes.max)), 1000);
}

TEST(PayloadsAnalysis, HasNoModelOfFewRequestsOrOneSize) {
  Rows rows;
  for (int i = 0; i < 19; ++i) rows.push_back(payload_row(1, i * 10'000, 0, i * 20'000));
  const EndpointPayloads few = analyze_one(rows);
  EXPECT_EQ(few.request.model.gap, ModelGap::kTooFewRequests);
  EXPECT_EQ(few.request.model.requests_needed, 20U);
  EXPECT_EQ(few.requirement.basis, RequirementBasis::kPeaks);
  EXPECT_FALSE(few.requirement.p99_bytes);
  rows.clear();
  for (int i = 0; i < 100; ++i) rows.push_back(payload_row(1, 5000 + i, 0, 20'000 + i * 100));
  const EndpointPayloads same = analyze_one(rows);
  EXPECT_EQ(same.request.model.gap, ModelGap::kSameSize);
  EXPECT_EQ(same.request.model.size_spread_bytes, 99U);
  EXPECT_EQ(same.requirement.largest_bytes, 29'900U);
}

TEST(PayloadsAnalysis, LearnsNothingFromRequestsThatFailed) {
  Rows rows;
  for (int i = 0; i < 100; ++i) rows.push_back(payload_row(1, i * 10'000, 0, 50'000 + i * 20'000));
  for (int i = 0; i < 300; ++i) {
    recording::BodyRow row = payload_row(1, i * 10'000, 0, 1000);
    row.status = i % 4 == 0 ? 413 : 200;
    row.raised = i % 4 == 1;
    row.disconnected = i % 4 == 2;
    row.approximate = i % 4 == 3;
    rows.push_back(row);
  }
  const EndpointPayloads endpoint = analyze_one(rows);
  EXPECT_EQ(endpoint.failed_requests, 300U);
  EXPECT_EQ(endpoint.requests, 400U);
  EXPECT_EQ(endpoint.request.model.fitted_requests, 100U);
  expect_ratio(endpoint.request.model, 2);
}

TEST(PayloadsAnalysis, OneHugeBodyAmongSmallOnesDoesNotSettleTheSlope) {
  Rows rows;
  for (int i = 0; i < 200; ++i) rows.push_back(payload_row(1, i % 50 * 1000, 0, 100'000 + i % 50 * 3000 + i % 7 * 10));
  rows.push_back(payload_row(1, 60 * kPayloadMiB, 0, 200'000));
  expect_ratio(analyze_one(rows).request.model, 3);
  Rows lonely(100, payload_row(1, 0, 0, 100'000));
  lonely.push_back(payload_row(1, kPayloadMiB, 0, 100'000 + 8 * kPayloadMiB));
  EXPECT_EQ(analyze_one(lonely).request.model.gap, ModelGap::kUnsettled);
}

// As a service under load gave them: so little noise that quantiles beside the median cross.
TEST(PayloadsAnalysis, LittleNoiseIsNoReasonForNoModel) {
  constexpr std::int64_t kNoise[] = {4344, 0,   128,  183, 125, 115, 1224, 828, 1024, 627, 117, 119, 1080,
                                     408,  952, 1831, 117, 115, 128, 412,  120, 115,  125, 119, 128, 120};
  Rows rows;
  for (std::int64_t i = 0; i < 26; ++i) {
    const std::int64_t size = i < 2 ? 0 : 3'000'000 * (i - 1) * (i - 1) / 576;
    rows.push_back(payload_row(1, size, 0, kBase + 4000 + size + kNoise[i]));
  }
  expect_ratio(analyze_one(rows).request.model, 1);
}

TEST(PayloadsAnalysis, SaysThatTheLineIsBent) {
  Rows rows;
  for (int i = 0; i < 400; ++i) {
    const std::int64_t size = i * 10'000;
    rows.push_back(payload_row(1, size, 0, 50'000 + 4 * std::min<std::int64_t>(size, kPayloadMiB)));
  }
  const EndpointPayloads bent = analyze_one(rows);
  EXPECT_EQ(bent.request.model.linear, false);
  EXPECT_EQ(bent.requirement.basis, RequirementBasis::kPeaks);  // a line that is none would say less than was needed
  EXPECT_EQ(bent.requirement.largest_bytes, 50'000U + 4 * static_cast<std::uint64_t>(kPayloadMiB));
}

// Six endpoints: what they do, and what the verdict is.
EndpointPayloads streaming_case(std::int64_t held_in_percent, std::int64_t held_out_percent, bool in, bool out,
                                int every = 1) {
  Sizes sizes;
  Rows rows;
  for (int i = 0; i < 200; ++i) {
    const std::int64_t received = in ? sizes.next() : 0;
    const std::int64_t sent = out ? sizes.next() : 0;
    const bool holds = i % every == 0;
    rows.push_back(payload_row(1, received, sent,
                               100'000 + sizes.noise(20'000) +
                                   (holds ? received * held_in_percent / 100 + sent * held_out_percent / 100 : 0)));
    rows.back().received_in_pieces = received > 65'536;
    rows.back().sent_in_pieces = sent > 65'536;
  }
  return analyze_one(rows);
}

TEST(PayloadsAnalysis, TellsHoldingFromStreaming) {
  const EndpointPayloads upload = streaming_case(200, 0, true, false);
  EXPECT_EQ(upload.request.mode, PayloadMode::kBuffered);
  EXPECT_FALSE(upload.streaming.saved_already);
  const double size = static_cast<double>(*upload.request.size_bytes.p99);
  EXPECT_NEAR(static_cast<double>(*upload.streaming.saves_bytes), 2 * size, 0.03 * size + 65'536);
  const EndpointPayloads passed = streaming_case(0, 0, true, false);
  EXPECT_EQ(passed.request.mode, PayloadMode::kStreamed);
  EXPECT_TRUE(passed.streaming.saved_already);
  EXPECT_NEAR(static_cast<double>(*passed.streaming.saves_bytes), size, 0.03 * size);
  EXPECT_EQ(streaming_case(0, 100, false, true).response.mode, PayloadMode::kBuffered);
  EXPECT_EQ(streaming_case(0, 0, false, true).response.mode, PayloadMode::kStreamed);
  const EndpointPayloads both = streaming_case(0, 300, true, true);
  EXPECT_EQ(both.request.mode, PayloadMode::kStreamed);
  EXPECT_EQ(both.response.mode, PayloadMode::kBuffered);
  EXPECT_FALSE(both.streaming.saved_already);
  // Small responses beside it, which no one could stream, change nothing.
  Rows answered;
  for (std::int64_t i = 0; i < 200; ++i) answered.push_back(payload_row(1, i * 20'000, 2, 100'000 + i % 7));
  const EndpointPayloads beside = analyze_one(answered);
  EXPECT_EQ(beside.response.mode, PayloadMode::kBuffered);
  EXPECT_TRUE(beside.streaming.saved_already);
  EXPECT_EQ(beside.streaming.saves_bytes, beside.request.size_bytes.p99);
  EXPECT_EQ(streaming_case(100, 0, true, false, 2).request.mode, PayloadMode::kMixed);
}

TEST(PayloadsAnalysis, AsksTheWireWhereMemoryDoesNotSay) {
  Rows rows(50, payload_row(1, 1000, 500, 40'000));
  for (int i = 0; i < 25; ++i) rows[static_cast<std::size_t>(i)].sent_in_pieces = true;
  const EndpointPayloads endpoint = analyze_one(rows);
  EXPECT_EQ(endpoint.request.mode, PayloadMode::kBuffered);
  EXPECT_EQ(endpoint.response.mode, PayloadMode::kMixed);
  // A peak below half of the body cannot have held it.
  EXPECT_EQ(analyze_one(Rows(50, payload_row(1, 0, kPayloadMiB, 40'000))).response.mode, PayloadMode::kStreamed);
}

// Small bodies, no model: the network cuts every second of them into pieces.
PayloadMode reading_case(int whole_every) {
  Rows rows(60, payload_row(1, 1000, 0, 40'000));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].received_in_pieces = i % 2 == 0;
    rows[i].received_whole = whole_every > 0 && i % static_cast<std::size_t>(whole_every) == 0;
  }
  return analyze_one(rows).request.mode;
}

TEST(PayloadsAnalysis, TheNetworkDoesNotSayHowABodyIsRead) {
  EXPECT_EQ(reading_case(1), PayloadMode::kBuffered);
  EXPECT_EQ(reading_case(0), PayloadMode::kStreamed);  // those in one piece say nothing
  EXPECT_EQ(reading_case(3), PayloadMode::kMixed);
  EXPECT_EQ(reading_case(2), PayloadMode::kBuffered);  // all that came in pieces were asked for whole
}

TEST(PayloadsAnalysis, RanksContentTypesByWhatAByteCosts) {
  Rows rows;
  for (int i = 0; i < 100; ++i) {
    rows.push_back(payload_row(1, i * 5000, 0, 50'000 + i * 5000 * 6));
    rows.push_back(payload_row(1, i * 5000, 0, 50'000 + i * 5000 * 2));
    rows.back().request_type = 2;
    rows.push_back(payload_row(1, i * 5000, 0, 50'000 + i * 5000 * 20));
    rows.back().request_encoding = 1;
  }
  rows.push_back(payload_row(1, 5000, 0, 50'000));
  rows.back().request_type = 3;
  const auto types = analyze_one(rows).content_types;
  ASSERT_EQ(types.size(), 4U);
  EXPECT_EQ(types[0].content_encoding, "gzip");
  EXPECT_NEAR(*types[0].amplification_ratio, 20, 0.1);
  EXPECT_EQ(types[1].content_type, "application/json");
  EXPECT_EQ(types[1].requests, 99U);  // the empty one has no type
  EXPECT_EQ(types[1].bytes, 5000U * 99 * 100 / 2);
  EXPECT_NEAR(*types[2].amplification_ratio, 2, 0.01);
  EXPECT_EQ(types[3].content_type, "multipart/form-data");
  EXPECT_EQ(types[3].gap, ModelGap::kTooFewRequests);
}

TEST(PayloadsAnalysis, SaysWhatOneBodyWouldDoWhereNothingKeepsItOut) {
  Rows rows;
  for (int i = 0; i < 100; ++i) rows.push_back(payload_row(1, i * 100'000, 0, 1'000'000 + i * 800'000 + i % 5 * 1000));
  PayloadTables payloads = payload_tables();
  const EndpointPayloads unknown = analyze_one(rows);
  EXPECT_FALSE(unknown.body_limit.known);
  ASSERT_TRUE(unknown.large_body);
  EXPECT_NEAR(unknown.large_body->peak_bytes, 801'000'000, 1e6);
  EXPECT_LE(unknown.large_body->low_bytes, 801'002'000);
  EXPECT_GE(unknown.large_body->high_bytes, 801'002'000);
  EXPECT_NEAR(unknown.large_body->times_largest, 100.0 / 9.9, 1e-6);
  payloads.limits = {{1, std::nullopt, "Flask MAX_CONTENT_LENGTH", 1'000'000}, {1, 1, "own", std::nullopt}};
  const EndpointPayloads open = only(analyze_payloads(small_tables(), rows, payloads));
  EXPECT_TRUE(open.body_limit.known);
  EXPECT_EQ(open.body_limit.setting, "own");
  EXPECT_TRUE(open.large_body);
  payloads.limits.pop_back();
  const EndpointPayloads kept = only(analyze_payloads(small_tables(), rows, payloads));
  EXPECT_EQ(kept.body_limit.limit_bytes, 1'000'000U);
  EXPECT_FALSE(kept.large_body);
}

TEST(PayloadsAnalysis, SumsPhasesUp) {
  Rows rows(200, payload_row(1, 1000, 0, 40'000));
  for (std::size_t i = 0; i < 150; ++i) {
    rows[i].phases.emplace();
    (*rows[i].phases)[1] = {30'000, 40'000, 500};
    (*rows[i].phases)[2] = {90'000, i < 30 ? 40'000 : 20'000, 1500};
  }
  const EndpointPayloads endpoint = analyze_one(rows);
  ASSERT_TRUE(endpoint.phases);
  EXPECT_EQ(endpoint.phases->requests, 150U);
  EXPECT_EQ(endpoint.phases->deserialize.allocated_bytes.p99, 30'000U);
  EXPECT_DOUBLE_EQ(endpoint.phases->deserialize.peak_share_ratio, 0.75);
  EXPECT_DOUBLE_EQ(endpoint.phases->deserialize.peak_reached_ratio, 1);
  EXPECT_DOUBLE_EQ(endpoint.phases->handle.peak_share_ratio, 1);  // never more than the peak
  EXPECT_DOUBLE_EQ(endpoint.phases->handle.peak_reached_ratio, 0.2);
  EXPECT_DOUBLE_EQ(endpoint.phases->handle.duration_seconds.p50, 0.0015);
  EXPECT_EQ(endpoint.phases->send.peak_bytes.max, 0U);
}

TEST(PayloadsAnalysis, CountsValuesBeyondFourBytesExactly) {
  statistics::CompactValues values;
  const std::uint64_t large = std::uint64_t{5} << 32U;
  for (int i = 0; i < 99; ++i) values.add(static_cast<std::uint64_t>(i));
  values.add(large);
  EXPECT_EQ(values[98], 98U);
  EXPECT_EQ(values[99], large);
  EXPECT_EQ(values.summarize().max, large);
  EXPECT_EQ(values.summarize().p99, 98U);
  EXPECT_DOUBLE_EQ(values.summarize().mean, (99.0 * 98 / 2 + static_cast<double>(large)) / 100);
}

TEST(PayloadsAnalysis, LooksAtWhatIsAskedFor) {
  Rows rows;
  for (int i = 0; i < 10; ++i) {
    rows.push_back(payload_row(1, 100, 0, 1));
    rows.back().started_us = i * 1'000'000;
    rows.push_back(payload_row(2, 5000, 0, 1));
  }
  PayloadsOptions options;
  options.methods = {"get"};
  options.warmup_us = 4'000'000;
  const PayloadsResult result = analyze_payloads(small_tables(), rows, payload_tables(), options);
  EXPECT_EQ(only(result).requests, 6U);
  options = {};
  options.sort = PayloadsSort::kRequestSize;
  const PayloadsResult sorted = analyze_payloads(small_tables(), rows, payload_tables(), options);
  EXPECT_EQ(sorted.endpoints.front().method, "POST");
  options.workers = {9};
  EXPECT_THROW(analyze_payloads(small_tables(), rows, payload_tables(), options), std::invalid_argument);
  EXPECT_THROW(analyze_payloads(small_tables(), {payload_row(7, 1, 1, 1)}), recording::RecordingError);
  EXPECT_THROW(parse_payloads_sort("size"), std::invalid_argument);
}

TEST(PayloadsAnalysis, CountsWhatWasFolded) {
  RecordingTables tables = small_tables();
  recording::SliceRow slice;
  slice.endpoint = 1;
  slice.until_us = 1'000'000;
  slice.requests = 70;
  tables.slices = {slice};
  EXPECT_EQ(analyze_payloads(tables, {payload_row(1, 1, 1, 1)}).folded_requests, 70U);
}

}  // namespace
}  // namespace heapledger::analysis
