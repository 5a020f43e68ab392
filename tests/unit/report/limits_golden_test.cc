#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <stdexcept>

#include "../analysis/rows_for_tests.h"
#include "analysis/recording_info.h"
#include "golden.h"
#include "heapledger/rate_limiter.h"
#include "report/limits_emit.h"
#include "report/limits_text.h"
#include "report/limits_words.h"
#include "report/printable.h"

namespace heapledger::report {
namespace {

using namespace analysis;
using testing::HasSubstr;
using testing::Not;

// Every figure given, so that no library's last digit is in the golden files.
LimitsResult shop() {
  LimitsResult result;
  result.recording = describe_recording(small_tables(), 1);
  result.risk_seconds = 30 * 86'400.0;
  result.requests = 20'600;
  result.traffic_seconds = 3600;
  result.requests_without_curve = 12;
  result.budget = {512U << 20, "cgroup v2", 299U << 20, 1.0923, true, 195U << 20, 4};
  result.costs = {{{"POST", "/orders/import", ""}, 600, 0.6, 2.4e8, 170'000'000, 162U << 20, 0.31, 0.1, 68, ""},
                  {{"GET", "/orders", "v2"}, 20'000, 27.7, 3.5e6, 2'600'000, 2'516'582, {}, {}, 1, ""}};
  result.limits.concurrency = 12;
  result.limits.requests_per_second = 60.2;
  result.limits.tokens_per_second = 73.6;
  result.limits.token_capacity = 81;
  result.limits.token_byte_seconds = 3.6e6;
  result.limits.endpoints = {
      {{"POST", "/orders/import", ""}, 0.6, 0.2, 0, 1, 6U << 20, 9U << 20, ""},
      {{"GET", "/orders", "v2"}, 27.7, 60.0, 80, 81, {}, {}, "no body limit: its requests have no bodies"}};
  result.limits.worker_count = 6;
  result.limits.workers_now = 4;
  result.limits.max_requests = 12'000;
  result.limits.leak_bytes_per_request = 820;
  result.limits.worker_headroom_bytes = 96U << 20;
  result.limits.worker_concurrency = 5;
  const EndpointId import{"POST", "/orders/import", ""};
  result.exhaustion = {
      {"observed", 0.4, PerDay{0.1, 1.6}, 2e-5, ExhaustionMethod::kInversion, 216'000, import, {}, {}, {}},
      {"x2", 3.9, PerDay{1.1, 12}, 3e-4, ExhaustionMethod::kTail, 22'000, import, {}, {}, {}},
      {"x5", {}, {}, {}, ExhaustionMethod::kBeyondTheData, {}, import, 170U << 20, 190U << 20, 0.2},
      {"leak until restart", 0.03, {}, 1e-6, ExhaustionMethod::kInversion, 50'000, import, {}, {}, {}}};
  result.burst = {{import, 1, 1, 0.8, 2.5}, {{"GET", "/orders", "v2"}, 90, 81, 0.05, 0.2}};
  result.strategies = {{LimitStrategy::kNone, 10, 34, 0.2, 250, 0, 0, 0, false},
                       {LimitStrategy::kConcurrency, 10, 0, 0, 41.25, 900, 0.25, 0.75, true}};
  result.replayed_requests = 20'600;
  return result;
}

LimitsResult hostile() {
  LimitsResult result = shop();
  result.costs[0].endpoint = result.limits.endpoints[0].endpoint =
      result.burst[0].endpoint = {"=cmd", "/\x1b[31m\"\\${x}; }\n", "=1+1"};
  return result;
}

TEST(LimitsGolden, ShopText) { expect_golden("limits/shop.txt", shop().to_text()); }
TEST(LimitsGolden, ShopJson) { expect_golden("limits/shop.json", shop().to_json()); }
TEST(LimitsGolden, ShopCsv) { expect_golden("limits/shop.csv", shop().to_csv()); }
TEST(LimitsGolden, HostileCsv) { expect_golden("limits/hostile.csv", hostile().to_csv()); }
TEST(LimitsGolden, Nginx) { expect_golden("limits/nginx.conf", shop().emit(EmitTarget::kNginx)); }
TEST(LimitsGolden, HostileNginx) { expect_golden("limits/hostile_nginx.conf", hostile().emit(EmitTarget::kNginx)); }
TEST(LimitsGolden, Gunicorn) { expect_golden("limits/gunicorn.conf.py", shop().emit(EmitTarget::kGunicorn)); }
TEST(LimitsGolden, Uvicorn) { expect_golden("limits/uvicorn.py", shop().emit(EmitTarget::kUvicorn)); }
TEST(LimitsGolden, Limiter) { expect_golden("limits/flask_limiter.py", shop().emit(EmitTarget::kFlaskLimiter)); }
TEST(LimitsGolden, Slowapi) { expect_golden("limits/slowapi.py", shop().emit(EmitTarget::kSlowapi)); }

TEST(LimitsText, WithoutLimitsSaysWhyAndWhatIsKnown) {
  LimitsResult result = shop();
  result.missing = LimitsMissing::kNoLimit;
  result.budget.limit_bytes.reset();
  result.budget.headroom_bytes.reset();
  const std::string text = result.to_text();
  EXPECT_THAT(text, HasSubstr("no limits: no memory limit is known; --memory-limit 512MiB tells it"));
  EXPECT_THAT(text, HasSubstr("p99 PEAK"));
  EXPECT_THAT(text, Not(HasSubstr("REQ/S SAFE")));
  EXPECT_THROW(static_cast<void>(result.emit(EmitTarget::kNginx)), std::invalid_argument);
}

TEST(LimitsText, NothingRecorded) {
  LimitsResult result;
  result.missing = LimitsMissing::kNoTraffic;
  EXPECT_EQ(result.to_text(), "nothing recorded\n");
  EXPECT_THAT(result.to_json(), HasSubstr("\"costs\": []"));
}

TEST(LimitsText, HoldsNoControlCharacterOfTheService) {
  std::istringstream lines(hostile().to_text() + hostile().emit(EmitTarget::kNginx) +
                           hostile().emit(EmitTarget::kSlowapi));
  for (std::string line; std::getline(lines, line);) EXPECT_EQ(printable(line), line);
}

TEST(LimitsEmit, ARouteBecomesAPatternOfPlainCharacters) {
  EXPECT_EQ(route_pattern("/orders/{id}/items"), "^/orders/[^/]+/items$");
  EXPECT_EQ(route_pattern("/files/{name:path}"), "^/files/.+$");
  EXPECT_EQ(route_pattern("/files/<path:name>.txt"), "^/files/.+\\x2etxt$");
  EXPECT_EQ(route_pattern("/a{b"), "^/a\\x7bb$");
  EXPECT_EQ(route_pattern("/$uri\";\n"), "^/\\x24uri\\x22\\x3b\\x0a$");
}

TEST(LimitsEmit, WithoutASafeConcurrencyThereIsNone) {
  LimitsResult result = shop();
  result.limits.concurrency.reset();
  result.limits.concurrency_reason = "not even one request at once is safe";
  for (const EmitTarget target : {EmitTarget::kNginx, EmitTarget::kGunicorn, EmitTarget::kUvicorn}) {
    EXPECT_THROW(static_cast<void>(result.emit(target)), std::invalid_argument);
  }
}

TEST(LimitsText, WhatHardlyEverHappensIsNoNumberAndNothingGoesFirst) {
  LimitsResult result = shop();
  result.exhaustion[0].exceedances_per_day = 4.8e-30;
  result.exhaustion[0].exceedances_per_day_interval = PerDay{0, 9e-7};
  const std::string text = result.to_text();
  EXPECT_THAT(text, HasSubstr("today    less than once in a million days: within the risk\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nfirst ")));
  EXPECT_THAT(result.to_json(), HasSubstr("4.8e-30"));
}

TEST(LimitsText, WhatIsFarBeyondTheDataNamesNobody) {
  LimitsResult result = shop();
  ExhaustionScenario& today = result.exhaustion[0];
  today.method = ExhaustionMethod::kBeyondTheData;
  today.exceedances_per_day.reset();
  today.largest_peak_bytes = 4U << 20;
  today.needed_peak_bytes = 41U << 20;
  today.recorded_per_day = 1e-9;
  const std::string text = result.to_text();
  EXPECT_THAT(text,
              HasSubstr("today    beyond the data: no request recorded peaked above 4.0 MiB, one of 41.0 MiB would "
                        "exceed; those recorded exceed less than once in a million days\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nfirst ")));
  today.needed_peak_bytes = 39U << 20;
  EXPECT_THAT(result.to_text(), HasSubstr("\nfirst    POST /orders/import: one larger than any recorded"));
}

TEST(LimitsEmit, OfChosenEndpointsThereIsNoConfiguration) {
  LimitsResult result = shop();
  result.chosen = true;
  EXPECT_THROW(static_cast<void>(result.emit(EmitTarget::kSlowapi)), std::invalid_argument);
}

TEST(LimitsEmit, WhatNeedsNoLimitIsNotRefused) {
  LimitsResult result = shop();
  result.limits.concurrency.reset();
  result.limits.any_concurrency = true;
  result.limits.endpoints[1].concurrency.reset();
  result.limits.endpoints[1].any_concurrency = true;
  const std::string text = result.emit(EmitTarget::kNginx);
  EXPECT_THAT(text, HasSubstr("limit_conn heapledger_all 65535;"));
  EXPECT_THAT(text, HasSubstr("limit_conn heapledger_conn_2 65535;"));
  EXPECT_THAT(text, Not(HasSubstr("return 503")));
  EXPECT_THAT(result.emit(EmitTarget::kGunicorn), HasSubstr("threads = 64\n"));
}

TEST(LimitsText, NoLimitIsNoNumber) {
  LimitsResult result = shop();
  result.limits.concurrency.reset();
  result.limits.any_concurrency = true;
  result.limits.concurrency_reason = "no limit of requests at once: a million of them keep within the risk";
  result.limits.endpoints[1].concurrency.reset();
  result.limits.endpoints[1].any_concurrency = true;
  result.limits.worker_count.reset();
  result.limits.worker_reason = "no limit: more than 2047 workers fit";
  const std::string text = result.to_text();
  EXPECT_THAT(text, HasSubstr("limits   with 4 workers as now: no limit of requests at once: a million"));
  EXPECT_THAT(text, HasSubstr("60.0  no limit         -"));
  EXPECT_THAT(text, HasSubstr("workers  no limit: more than 2047 workers fit"));
  EXPECT_THAT(result.to_json(), HasSubstr("\"concurrency\": null"));
}

TEST(LimitsText, ABodyLimitIsAdvisedWhereThereAreBodies) {
  LimitsResult result = shop();
  result.exhaustion[0].method = ExhaustionMethod::kTail;
  EXPECT_THAT(result.to_text(),
              HasSubstr("first    POST /orders/import: one larger than any recorded may exceed alone; "
                        "limit the body\n"));
  result.limits.endpoints[0].largest_body_bytes.reset();
  EXPECT_THAT(result.to_text(), HasSubstr("it has no body to limit: bound what one request loads\n"));
}

TEST(LimitsEmit, AnEndpointThatNoRateIsSafeForIsRefused) {
  LimitsResult result = shop();
  result.limits.endpoints[0].requests_per_second = 0;
  result.limits.endpoints[0].max_body_bytes.reset();
  EXPECT_THAT(result.emit(EmitTarget::kNginx), HasSubstr("if ($heapledger_1) {\n        return 503;"));
}

}  // namespace
}  // namespace heapledger::report
