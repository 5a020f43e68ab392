#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "../analysis/payload_rows.h"
#include "golden.h"
#include "report/payloads_text.h"
#include "report/payloads_words.h"
#include "report/printable.h"

namespace heapledger::report {
namespace {

using namespace analysis;
using testing::HasSubstr;
using testing::Not;

using Rows = std::vector<recording::BodyRow>;

void add_phases(recording::BodyRow& row) {
  row.phases.emplace();
  (*row.phases)[0] = {row.received_bytes, row.received_bytes, 900};
  (*row.phases)[1] = {row.received_bytes * 6, row.peak_bytes, 4000};
  (*row.phases)[2] = {2000, row.peak_bytes, 2500};
  (*row.phases)[3] = {row.sent_bytes, row.peak_bytes / 2, 300};
  (*row.phases)[4] = {500, row.peak_bytes / 4, 100};
}

// An import that holds what it is sent, an export that streams, an echo, an endpoint of one size, one without bodies.
PayloadsResult shop_result(const PayloadsOptions& options = {}) {
  RecordingTables tables = small_tables();
  tables.endpoints = {{1, "POST", "/orders/import", "", false}, {2, "GET", "/orders/export", "v2", true},
                      {3, "POST", "/echo", "", false},          {4, "PUT", "/orders/{id}", "", false},
                      {5, "GET", "/health", "", false},         {6, "POST", "/admin", "", false}};
  Rows rows;
  for (std::int64_t i = 0; i < 200; ++i) {
    const std::int64_t size = i * i * 200;
    rows.push_back(payload_row(1, size, 20, 60'000 + 8 * size + i % 7 * 100));
    add_phases(rows.back());
    rows.push_back(payload_row(1, size, 20, 60'000 + 24 * size + i % 7 * 100));
    rows.back().request_encoding = 1;
    add_phases(rows.back());
    rows.push_back(payload_row(2, 0, size, 90'000 + i % 11 * 100));
    rows.back().response_type = 2;
    rows.back().sent_in_pieces = true;
    rows.push_back(payload_row(3, size, size, 50'000 + 3 * size));
  }
  for (std::int64_t i = 0; i < 120; ++i) rows.push_back(payload_row(4, 400, 90, 40'000 + i));
  for (std::int64_t i = 0; i < 4; ++i) rows.push_back(payload_row(6, 40'000 * i, 0, 500'000 * i));
  rows.push_back(payload_row(5, 0, 0, 9000));
  rows[3].status = 500;
  PayloadTables payloads = payload_tables();
  payloads.limits = {{1, std::nullopt, "Flask MAX_CONTENT_LENGTH", std::nullopt},
                     {1, 3, "route limit", 1'048'576},
                     {1, 4, "route limit", 200'000'000}};
  return analyze_payloads(tables, rows, payloads, options);
}

PayloadsResult hostile_result() {
  RecordingTables tables = small_tables();
  tables.endpoints = {{1, "GET", "/\x1b[31mred\n", "=1+1", false}, {2, "=cmd", "@x", "", false}};
  PayloadTables payloads{{{1, "text/\x1b]0;t\x07"}, {2, "=1+1"}}, {{1, "\u202egz"}}, {}};
  payloads.limits = {{1, std::nullopt, "@set\x1b[2J", std::nullopt}};
  Rows rows;
  for (std::int64_t i = 0; i < 30; ++i) {
    rows.push_back(payload_row(1, i * 5000, 0, 10'000 + i * 10'000));
    rows.back().request_encoding = 1;
    rows.push_back(payload_row(2, 0, i * 5000, 10'000 + i * 10'000));
    rows.back().response_type = 2;
  }
  return analyze_payloads(tables, rows, payloads);
}

TEST(PayloadsGolden, ShopText) { expect_golden("payloads/shop.txt", shop_result().to_text()); }
TEST(PayloadsGolden, ShopJson) { expect_golden("payloads/shop.json", shop_result().to_json()); }
TEST(PayloadsGolden, ShopCsv) { expect_golden("payloads/shop.csv", shop_result().to_csv()); }
TEST(PayloadsGolden, HostileText) { expect_golden("payloads/hostile.txt", hostile_result().to_text()); }
TEST(PayloadsGolden, HostileJson) { expect_golden("payloads/hostile.json", hostile_result().to_json()); }
TEST(PayloadsGolden, HostileCsv) { expect_golden("payloads/hostile.csv", hostile_result().to_csv()); }
TEST(PayloadsGolden, ShopInColour) {
  PayloadsOptions options;
  options.limit = 1;
  expect_golden("payloads/shop_colour.txt", payloads_text(shop_result(options), {80, true}));
}

TEST(PayloadsGolden, EmptyInEveryFormat) {
  const PayloadsResult result = analyze_payloads(small_tables(), {});
  EXPECT_EQ(result.to_text(), "nothing recorded\n");
  expect_golden("payloads/empty.json", result.to_json());
  expect_golden("payloads/empty.csv", result.to_csv());
}

TEST(PayloadsText, CutsItsListWhenItIsLong) {
  PayloadsOptions options;
  options.limit = 2;
  const PayloadsResult result = shop_result(options);
  EXPECT_THAT(result.to_text(), HasSubstr("\n(3 more: --limit 0)\n"));
  EXPECT_THAT(result.to_json(), HasSubstr("\"endpoints_left_out\": 4"));
}

TEST(PayloadsText, NamesWhatWasAskedForInVain) {
  PayloadsOptions options;
  options.routes = {"/ehco"};
  EXPECT_EQ(shop_result(options).to_text(),
            "nothing recorded for these options\nnote     no route /ehco in this recording; nearest: /echo\n");
}

TEST(PayloadsText, SaysWhatWasFolded) {
  PayloadsResult result = shop_result();
  result.folded_requests = 1200;
  EXPECT_THAT(result.to_text(), HasSubstr("note     1,200 older requests were folded for --max-size"));
}

TEST(PayloadsText, HoldsNoControlCharacterOfTheService) {
  std::istringstream lines(hostile_result().to_text());
  for (std::string line; std::getline(lines, line);) EXPECT_EQ(printable(line), line);
}

TEST(PayloadsWords, RatiosHaveThreeDigits) {
  EXPECT_EQ(ratio_text(8.0281), "8.03");
  EXPECT_EQ(ratio_text(15.06), "15.1");
  EXPECT_EQ(ratio_text(-0.001), "0.00");
  EXPECT_EQ(ratio_text(-0.5), "-0.50");
  EXPECT_EQ(ratio_text(9.996), "10.0");
}

}  // namespace
}  // namespace heapledger::report
