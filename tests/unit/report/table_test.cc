#include "report/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "report/printable.h"

namespace heapledger::report {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Table orders() {
  Table table({{"ENDPOINT", Align::kLeft, true, 0},
               {"REQS", Align::kRight, false, 0},
               {"ALLOC", Align::kRight, false, 1},
               {"NATIVE", Align::kRight, false, 2}});
  table.add_row({"GET /a/very/long/route/that/will/not/fit", "1", "12 B", "3 B"});
  table.add_row({"POST /b", "1,200", "1 B", "300 MiB"});
  return table;
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, display_width(line));
  return longest;
}

TEST(Table, AlignsColumns) {
  Table table({{"NAME", Align::kLeft}, {"N", Align::kRight}});
  table.add_row({"é", "10"});
  table.add_row({"東京都", "7"});
  EXPECT_EQ(table.render({}), "NAME     N\né       10\n東京都   7\n");
}

TEST(Table, ShortensNothingWhereThereIsNoTerminal) {
  Table table = orders();
  EXPECT_NE(table.render({}).find("GET /a/very/long/route/that/will/not/fit"), std::string::npos);
  EXPECT_THAT(table.left_out(), IsEmpty());
}

TEST(Table, ShortensTheRouteFirst) {
  Table table = orders();
  const std::string text = table.render({60, false});
  EXPECT_EQ(longest_line(text), 60U);
  EXPECT_THAT(table.left_out(), IsEmpty());
}

TEST(Table, ThenLeavesOutColumnsAndNamesThem) {
  Table table = orders();
  const std::string text = table.render({40, false});
  EXPECT_LE(longest_line(text), 40U);
  EXPECT_THAT(table.left_out(), ElementsAre("NATIVE"));
}

TEST(Table, KeepsWhatCannotBeLeftOutHoweverNarrowItGets) {
  Table table = orders();
  const std::string text = table.render({5, false});
  EXPECT_THAT(table.left_out(), ElementsAre("NATIVE", "ALLOC"));
  EXPECT_NE(text.find("1,200"), std::string::npos);
  EXPECT_EQ(longest_line(text), Table::kLeastFlexible + 2 + 5);
}

TEST(Table, IsBoldInItsTitlesWithColourOnly) {
  EXPECT_EQ(orders().render({{}, true}).substr(0, 4), "\x1b[1m");
  EXPECT_EQ(orders().render({}).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace heapledger::report
