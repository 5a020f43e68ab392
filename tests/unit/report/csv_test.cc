#include "report/csv.h"

#include <gtest/gtest.h>

namespace heapledger::report {
namespace {

TEST(CsvTextField, QuotesAfterRfc4180) {
  EXPECT_EQ(csv_text_field("plain"), "plain");
  EXPECT_EQ(csv_text_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_text_field("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_text_field("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(csv_text_field(""), "");
}

TEST(CsvTextField, DisarmsFormulas) {
  EXPECT_EQ(csv_text_field("=1+1"), "'=1+1");
  EXPECT_EQ(csv_text_field("+1"), "'+1");
  EXPECT_EQ(csv_text_field("-1"), "'-1");
  EXPECT_EQ(csv_text_field("@SUM(A1)"), "'@SUM(A1)");
  EXPECT_EQ(csv_text_field("\t=1"), "'\t=1");
  EXPECT_EQ(csv_text_field("\r=1"), "\"'\r=1\"");
  EXPECT_EQ(csv_text_field("\n=1"), "\"'\n=1\"");
  EXPECT_EQ(csv_text_field("\uFF1D1"), "'\uFF1D1");
  EXPECT_EQ(csv_text_field("=HYPERLINK(\"x\",1)"), "\"'=HYPERLINK(\"\"x\"\",1)\"");
}

TEST(CsvTextField, WritesTerminalEscapesOut) { EXPECT_EQ(csv_text_field("\x1b]0;x\x07"), "\\x1b]0;x\\x07"); }

TEST(WriteCsv, FlattensObjectsAndLeavesNullEmpty) {
  const Json full = {{"route", ""}, {"size", {{"p50", 0}, {"p99", 0}}}, {"late", false}};
  const Json rows = Json::array({{{"route", "/a"}, {"size", {{"p50", 1}, {"p99", nullptr}}}, {"late", true}},
                                 {{"route", "/b"}, {"size", nullptr}, {"late", false}}});
  EXPECT_EQ(write_csv(rows, full), "route,size_p50,size_p99,late\r\n/a,1,,true\r\n/b,,,false\r\n");
}

TEST(WriteCsv, KeepsTheHeaderWithoutRows) { EXPECT_EQ(write_csv(Json::array(), {{"a", 1}, {"b", 2}}), "a,b\r\n"); }

}  // namespace
}  // namespace heapledger::report
