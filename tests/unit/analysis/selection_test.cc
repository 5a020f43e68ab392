#include "analysis/selection.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "rows_for_tests.h"

namespace heapledger::analysis {
namespace {

TEST(MatchesRoute, TakesOnlyTheStarAsSpecial) {
  EXPECT_TRUE(matches_route("/orders/{id}", "/orders/{id}"));
  EXPECT_TRUE(matches_route("/orders/*", "/orders/{id}"));
  EXPECT_TRUE(matches_route("*", ""));
  EXPECT_TRUE(matches_route("/a*c*", "/abcbc"));
  EXPECT_TRUE(matches_route("*/items", "/v1/orders/items"));
  EXPECT_FALSE(matches_route("/orders", "/orders/{id}"));
  EXPECT_FALSE(matches_route("/orders/*", "/orders"));
  EXPECT_FALSE(matches_route("/order?", "/orders"));
  EXPECT_FALSE(matches_route("/[ab]", "/a"));
}

TEST(MatchesRoute, DoesNotTakeForeverOnManyStars) {
  const std::string pattern = "*a*a*a*a*a*a*a*a*a*a*a*a*b";
  EXPECT_FALSE(matches_route(pattern, std::string(4000, 'a')));
}

TEST(Selection, TakesARouteThatHoldsAStarLiterally) {
  RequestsOptions options;
  options.routes = {"/files/*path"};
  const auto tables = small_tables();
  const Selection selection(options, tables);
  EXPECT_TRUE(selection.has_endpoint({1, "GET", "/files/*path", "", false}));
}

TEST(Durations, AreReadInEveryUnit) {
  EXPECT_EQ(parse_duration_us("90"), 90'000'000);
  EXPECT_EQ(parse_duration_us("0"), 0);
  EXPECT_EQ(parse_duration_us("1.5m"), 90'000'000);
  EXPECT_EQ(parse_duration_us("5 min"), 300'000'000);
  EXPECT_EQ(parse_duration_us("2h"), 7'200'000'000);
  EXPECT_EQ(parse_duration_us("250ms"), 250'000);
  EXPECT_EQ(parse_duration_us("7us"), 7);
  EXPECT_EQ(parse_duration_us("1d"), 86'400'000'000);
}

TEST(Durations, RefuseWhatIsNone) {
  for (const char* text : {"", " ", "s", "-1", "1x", "1 s s", "nan", "inf", "1e999", "0x10", "--", "5m3s", "1e300"}) {
    EXPECT_THROW(parse_duration_us(text), std::invalid_argument) << text;
  }
}

TEST(Moments, CountFromTheStartOrBackFromTheEnd) {
  const Moment start = Moment::parse("5m");
  EXPECT_EQ(start.base, Moment::Base::kStart);
  EXPECT_EQ(start.offset_us, 300'000'000);
  const Moment end = Moment::parse("-5m");
  EXPECT_EQ(end.base, Moment::Base::kEnd);
  EXPECT_EQ(end.offset_us, -300'000'000);
}

TEST(Moments, AreReadFromTheCalendar) {
  const auto unix_us = [](const char* text) {
    const Moment moment = Moment::parse(text);
    EXPECT_EQ(moment.base, Moment::Base::kUnix) << text;
    return moment.offset_us;
  };
  EXPECT_EQ(unix_us("1970-01-01T00:00:01Z"), 1'000'000);
  EXPECT_EQ(unix_us("2026-11-18T11:06:40Z"), 1'795'000'000'000'000);
  EXPECT_EQ(unix_us("2026-11-18 11:06:40"), 1'795'000'000'000'000);
  EXPECT_EQ(unix_us("2026-11-18T11:06"), 1'794'999'960'000'000);
  EXPECT_EQ(unix_us("2026-11-18T13:06:40+0200"), 1'795'000'000'000'000);
  EXPECT_EQ(unix_us("2026-11-18T05:36:40.25-05:30"), 1'795'000'000'250'000);
  EXPECT_EQ(unix_us("2026-11-18T11:06:40.123456789Z"), 1'795'000'000'123'456);
  EXPECT_EQ(unix_us("2024-02-29"), 1'709'164'800'000'000);
}

TEST(Moments, RefuseWhatIsNone) {
  for (const char* text : {"", "-", "yesterday", "2026-13-01", "2025-02-29", "2026-11-18T25:00", "2026-11-18T11",
                           "2026-11-18T11:06:40ZZ", "2026-11-18T11:06:40.Z", "2026-11-18T11:06:40+2", "2026-11-18X"}) {
    EXPECT_THROW(Moment::parse(text), std::invalid_argument) << text;
  }
}

TEST(RequestsSortNames, AreKnownOrRefusedWithTheList) {
  EXPECT_EQ(parse_requests_sort("retained"), RequestsSort::kRetained);
  try {
    parse_requests_sort("costs");
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("cost, requests, errors"), std::string::npos);
  }
}

TEST(RequestsSort, PutsTheLargestFirstAndEqualOnesByName) {
  auto tables = small_tables();
  tables.endpoints.push_back({3, "GET", "/a", "", false});
  const auto routes = [&](RequestsSort sort) {
    RequestsOptions options;
    options.sort = sort;
    std::string names;
    const auto requests = {request_row(1, 100), request_row(2, 300), request_row(3, 100), request_row(3, 100)};
    for (const auto& endpoint : analyze(tables, requests, options).endpoints) {
      names += endpoint.method + endpoint.route + " ";
    }
    return names;
  };
  EXPECT_EQ(routes(RequestsSort::kCost), "POST/orders GET/a GET/orders ");
  EXPECT_EQ(routes(RequestsSort::kRequests), "GET/a GET/orders POST/orders ");
  EXPECT_EQ(routes(RequestsSort::kAllocated), "POST/orders GET/a GET/orders ");
  EXPECT_EQ(routes(RequestsSort::kRetained), "GET/a GET/orders POST/orders ");
  EXPECT_EQ(routes(RequestsSort::kRoute), "GET/a GET/orders POST/orders ");
}

}  // namespace
}  // namespace heapledger::analysis
