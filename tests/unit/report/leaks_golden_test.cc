#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "../analysis/leak_rows.h"
#include "golden.h"
#include "report/leaks_text.h"
#include "report/leaks_words.h"
#include "report/printable.h"
#include "requests_results.h"

namespace heapledger::report {
namespace {

using namespace analysis;
using testing::HasSubstr;
using testing::Not;

// One of each verdict.
LeaksResult shop_result(const LeaksOptions& options = {}) {
  RecordingTables tables = small_tables();
  tables.workers[0].rss_bytes = 412 * 1024 * kLeakKiB;
  tables.endpoints = {{1, "GET", "/report/{id}", "", false}, {2, "GET", "/orders", "", false},
                      {3, "GET", "/health", "", false},      {4, "GET", "/admin/export", "", false},
                      {5, "GET", "/catalog", "v2", true},    {6, "POST", "/orders", "", false},
                      {7, "GET", "/index", "", false},       {8, "GET", "/old", "", false}};
  LeakTables rows;
  add_life(rows, 1, 1, 1004, 50, 64 * kLeakKiB, one_each_after(64));
  add_life(rows, 1, 2, 5000, 2140, 2048, one_each_after(2860));
  add_life(rows, 1, 3, 5000, 3, 64, none_left);
  add_life(rows, 1, 4, 31, 3, 64, one_each);
  add_life(rows, 1, 5, 2000, 3, 4 * kLeakKiB, [](std::int64_t first, std::int64_t) { return 128 - first / 20; });
  add_life(rows, 1, 6, 300, 3, 64, none_left);
  add_life(rows, 1, 7, 2000, 3, kLeakKiB, [](std::int64_t first, std::int64_t) { return first == 1 ? 900 : 0; });
  rows.spans.push_back({1, 8, 12, 0, 1000});
  const auto render = add_place(rows, "render", "/srv/shop/app/report.py", 41);
  const auto views = add_place(rows, "report", "/srv/shop/app/views.py", 88);
  const auto flask = add_place(rows, "dispatch", "/venv/lib/python3.11/site-packages/flask/app.py", 1488);
  const auto load = add_place(rows, "load", "/srv/shop/catalog.py", 12);
  add_site(rows, 1, 1, add_stack(rows, {render, views, flask}), 60e6, 230, 900);
  add_site(rows, 1, 1, {}, 1.2e6, 4);
  add_site(rows, 1, 5, add_stack(rows, {flask}), 3e5, 1);
  add_site(rows, 1, 5, add_stack(rows, {load, flask}), 5e6, 40);
  return find_leaks(tables, rows, options);
}

LeaksOptions with_limit() {
  LeaksOptions options;
  options.memory_limit_bytes = 512U * 1024 * 1024;
  return options;
}

LeaksResult hostile_result() {
  RecordingTables tables = small_tables();
  tables.workers[0].lost_samples = 1;
  tables.workers[0].lost_survivor_bytes = 5 * kLeakKiB;
  tables.endpoints = {{1, "GET", "/\x1b[31mred\n", "=1+1", false}, {2, "=cmd", "@x", "", false}};
  LeakTables rows;
  add_life(rows, 1, 1, 1000, 0, 4096, one_each);
  add_life(rows, 1, 2, 1000, 0, 4096, one_each);
  const auto place = add_place(rows, "f\x1b]0;t\x07", "/srv/\u202eyp.py", 1);
  add_site(rows, 1, 1, add_stack(rows, {place}), 1e6, 30);
  add_site(rows, 1, 2, add_stack(rows, {add_place(rows, "=f()", "@evil.py", 1)}), 1e6, 30);
  return find_leaks(tables, rows, {});
}

TEST(LeaksGolden, ShopText) { expect_golden("leaks/shop.txt", shop_result(with_limit()).to_text()); }
TEST(LeaksGolden, ShopJson) { expect_golden("leaks/shop.json", shop_result(with_limit()).to_json()); }
TEST(LeaksGolden, ShopCsv) { expect_golden("leaks/shop.csv", shop_result(with_limit()).to_csv()); }
TEST(LeaksGolden, HostileText) { expect_golden("leaks/hostile.txt", hostile_result().to_text()); }
TEST(LeaksGolden, HostileJson) { expect_golden("leaks/hostile.json", hostile_result().to_json()); }
TEST(LeaksGolden, HostileCsv) { expect_golden("leaks/hostile.csv", hostile_result().to_csv()); }
TEST(LeaksGolden, ShopInColour) { expect_golden("leaks/shop_colour.txt", leaks_text(shop_result(), {80, true})); }

// GET /orders of the requests report, with its lines.
RequestsResult result_with_sites() {
  RequestsOptions options;
  options.routes = {"/orders"};
  RequestsResult result = orders_result(options);
  result.sites_asked = true;
  const CodeStack load{{{"load", "/srv/shop/app/orders.py", 12}, {"view", "/srv/shop/views.py", 5}}, false, 0};
  const CodeStack json{
      {{"dumps", "/usr/lib/python3.11/json/__init__.py", 231}, {"view", "/srv/shop/views.py", 9}}, false, 1};
  result.sites = {{"GET", "/orders", "", load, {1'400'000, 1'200'000, 1'600'000}, 90'000, 200, 0.7, 0.1},
                  {"GET", "/orders", "", json, {600'000, 450'000, 780'000}, 810'000, 80, 0.3, 0.9}};
  return result;
}

TEST(RequestSitesGolden, Text) { expect_golden("requests/sites.txt", result_with_sites().to_text()); }
TEST(RequestSitesGolden, Json) { expect_golden("requests/sites.json", result_with_sites().to_json()); }

TEST(RequestSitesText, SaysWhyThereAreNone) {
  RequestsResult result = result_with_sites();
  result.sites.clear();
  EXPECT_THAT(result.to_text(), HasSubstr("\nlines    not known: none of its blocks was sampled\n"));
  result.sites_asked = false;
  EXPECT_THAT(result.to_text(), Not(HasSubstr("\nlines ")));
  EXPECT_THAT(result.to_json(), HasSubstr("\"sites_reason\": \"lines are shown for routes that --route names\""));
}

TEST(LeaksGolden, EmptyInEveryFormat) {
  const LeaksResult result = find_leaks(small_tables(), {}, {});
  EXPECT_EQ(result.to_text(), "nothing recorded\n");
  expect_golden("leaks/empty.json", result.to_json());
  expect_golden("leaks/empty.csv", result.to_csv());
}

TEST(LeaksText, CutsItsListWhenItIsLong) {
  LeaksOptions options;
  options.limit = 2;
  const LeaksResult result = shop_result(options);
  EXPECT_THAT(result.to_text(), HasSubstr("\n(4 more: --limit 0)\n"));
  EXPECT_THAT(result.to_text(), Not(HasSubstr("WARMUP")));
  EXPECT_THAT(result.to_json(), HasSubstr("\"findings_left_out\": 6"));
}

TEST(LeaksText, NamesWhatWasAskedForInVain) {
  LeaksOptions options;
  options.routes = {"/ordres"};
  EXPECT_EQ(shop_result(options).to_text(),
            "nothing recorded for these options\nnote     no route /ordres in this recording; nearest: /orders\n");
}

TEST(LeaksText, HoldsNoControlCharacterOfTheService) {
  std::istringstream lines(hostile_result().to_text());
  for (std::string line; std::getline(lines, line);) EXPECT_EQ(printable(line), line);
}

TEST(LeaksText, NeverShowsAWholePath) { EXPECT_THAT(shop_result().to_text(), Not(HasSubstr("/srv"))); }

TEST(LeaksWords, RoundWhatIsAboutToTwoDigits) {
  EXPECT_EQ(about_count(1634), "1,600");
  EXPECT_EQ(about_count(99), "99");
  EXPECT_EQ(about_count(184'999), "180,000");
  EXPECT_EQ(about_duration(41), "41 s");
  EXPECT_EQ(about_duration(540), "9 min");
  EXPECT_EQ(about_duration(3 * 3600), "3 h");
  EXPECT_EQ(about_duration(12.0 * 86400), "12 days");
}

}  // namespace
}  // namespace heapledger::report
