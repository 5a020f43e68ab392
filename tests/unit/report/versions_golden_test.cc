#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../analysis/leak_rows.h"
#include "../analysis/version_rows.h"
#include "golden.h"
#include "report/versions_text.h"

namespace heapledger::report {
namespace {

using namespace analysis;

// A regression, an improvement, one that is the same, one with too few requests; a deprecated endpoint without a
// successor.
VersionsResult shop_result(const VersionsOptions& options = {}) {
  VersionRecording recording = versions_recording({{1, "GET", "/v1/orders/{id}", "v1", true},
                                                   {2, "GET", "/v2/orders/{order_id}", "v2", false},
                                                   {3, "POST", "/v1/orders", "v1", false},
                                                   {4, "POST", "/v2/orders", "v2", false},
                                                   {5, "GET", "/catalog", "", false},
                                                   {6, "GET", "/catalog", "v2", false},
                                                   {7, "GET", "/v1/report", "v1", false},
                                                   {8, "GET", "/v2/report", "v2", false},
                                                   {9, "GET", "/v1/feed", "v1", true},
                                                   {10, "GET", "/v2/search", "v2", false}});
  recording.notices.notices = {{9, "@1735689600", "Wed, 01 Jan 2031 00:00:00 GMT"}};
  recording.notices.marks = {{1, 1, "prices as text", 400, 8'000'000, 24'000, 90'000}};
  LeakTables lives;
  add_life(lives, 1, 1, 1000, 3, 64, none_left);
  add_life(lives, 1, 2, 1000, 3, 4096, one_each);
  recording.leaks = find_leaks(recording.tables, lives, {});
  recording.code.places = {{1, "load", "/srv/shop/load.py", 10}, {2, "shape", "/srv/shop/v2/shape.py", 20}};
  recording.code.stacks = {{1, {2, 1}, false}};
  recording::SiteRow site;
  site.worker = 1;
  site.endpoint = 2;
  site.stack = 1;
  site.samples = 500;
  site.allocated_bytes = 4e7;
  recording.code.sites = {site};
  std::mt19937_64 random(3);
  std::vector<recording::RequestCostRow> rows;
  const auto serve = [&](std::int64_t endpoint, int count, std::int64_t peak_bytes, std::int64_t body_bytes = 0) {
    for (int i = 0; i < count; ++i) {
      const auto jitter = static_cast<std::int64_t>(random() % 65) * (peak_bytes / 1000);
      rows.push_back(cost_row(endpoint, peak_bytes + jitter, i * 60'000LL));
      rows.back().received_bytes = body_bytes == 0 ? 0 : body_bytes * (1 + i % 4);
      rows.back().sent_bytes = 2000;
    }
  };
  serve(1, 1000, 64 * 1024);
  serve(2, 1000, 96 * 1024);
  serve(3, 800, 512 * 1024, 4096);
  serve(4, 600, 128 * 1024, 4096);
  serve(5, 700, 16 * 1024);
  serve(6, 500, 16 * 1024);
  serve(7, 40, 1 << 20);
  serve(8, 30, 1 << 20);
  serve(9, 100, 32 * 1024);
  serve(10, 50, 8 * 1024);
  return compare(recording, rows, options);
}

VersionsResult hostile_result() {
  const VersionRecording recording = versions_recording({{1, "=cmd", "/\x1b[31mblood\n", "v1", true},
                                                         {2, "=cmd", "/\x1b[31mblood\n", "=2+2", false},
                                                         {3, "GET", "/@x", "v1", true}});
  return compare(recording, {cost_row(1, 1000, 0), cost_row(2, 1000, 0), cost_row(3, 5, 5)});
}

TEST(VersionsGolden, Text) { expect_golden("versions/shop.txt", shop_result().to_text()); }
TEST(VersionsGolden, Json) { expect_golden("versions/shop.json", shop_result().to_json()); }
TEST(VersionsGolden, Csv) { expect_golden("versions/shop.csv", shop_result().to_csv()); }

TEST(VersionsGolden, MigrationReport) {
  VersionsOptions options;
  options.report = true;
  expect_golden("versions/migration.txt", shop_result(options).to_text());
}

TEST(VersionsGolden, HostileNamesAreWrittenOut) {
  for (const bool report : {false, true}) {
    VersionsResult result = hostile_result();
    result.report = report;
    for (const std::string& text : {result.to_text(), result.to_json()}) {
      EXPECT_EQ(text.find('\x1b'), std::string::npos);
      EXPECT_EQ(text.find("blood\n"), std::string::npos) << text;
    }
  }
  EXPECT_THAT(hostile_result().to_csv(), testing::HasSubstr("'=cmd"));
}

TEST(VersionsGolden, LimitCutsAndSaysSo) {
  VersionsOptions options;
  options.limit = 1;
  const VersionsResult result = shop_result(options);
  EXPECT_THAT(result.to_text(), testing::HasSubstr("(3 more: --limit 0)"));
  EXPECT_THAT(result.to_json(), testing::HasSubstr("\"pairs_left_out\": 3"));
}

TEST(VersionsText, AVersionAloneIsNothingToCompare) {
  const VersionRecording recording = versions_recording({{1, "GET", "/a", "", false}});
  EXPECT_EQ(compare(recording, {cost_row(1, 1, 1)}).to_text(), "nothing recorded of more than one version\n");
}

}  // namespace
}  // namespace heapledger::report
