#include "report/printable.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace heapledger::report {
namespace {

TEST(Printable, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(printable("/orders/{id}"), "/orders/{id}");
  EXPECT_EQ(printable("/café/東京/😀"), "/café/東京/😀");
  EXPECT_EQ(printable("a\\b"), "a\\b");
}

TEST(Printable, WritesControlCharactersOut) {
  EXPECT_EQ(printable("/\x1b[31mred"), "/\\x1b[31mred");
  EXPECT_EQ(printable("a\nb\rc\td"), "a\\nb\\rc\\td");
  EXPECT_EQ(printable(std::string("\0\x07\x7f", 3)), "\\x00\\x07\\x7f");
  EXPECT_EQ(printable("\u009b31m"), "\\x9b31m");
}

TEST(Printable, WritesOutWhatHidesOrTurnsText) {
  EXPECT_EQ(printable("/a\u202eb"), "/a\\u202eb");
  EXPECT_EQ(printable("/a\u200bb"), "/a\\u200bb");
  EXPECT_EQ(printable("\ufeff"), "\\ufeff");
  EXPECT_EQ(printable("\U000E0041"), "\\ue0041");
}

TEST(Printable, WritesOutBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");
}

TEST(Printable, OfAnyBytesNeverHoldsAControlByte) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 256);
    const std::string text = printable(bytes);
    for (const char character : text) {
      ASSERT_GE(static_cast<unsigned char>(character), 0x20);
      ASSERT_NE(character, '\x7f');
    }
    ASSERT_EQ(text.find("\xc2\x9b"), std::string::npos);
    ASSERT_EQ(printable(text), text);
  }
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("é"), 1U);
  EXPECT_EQ(display_width("e\u0301"), 1U);
  EXPECT_EQ(display_width("東京"), 4U);
  EXPECT_EQ(display_width("😀"), 2U);
}

TEST(ShortenMiddle, KeepsBothEndsWithinTheWidth) {
  EXPECT_EQ(shorten_middle("/api/orders", 11), "/api/orders");
  EXPECT_EQ(shorten_middle("/api/v1/orders/items", 11), "/api/…items");
  EXPECT_EQ(shorten_middle("abcdef", 1), "…");
}

TEST(ShortenMiddle, NeverCutsACharacterOrExceedsTheWidth) {
  const std::string text = "/東京/é/大阪/😀/名古屋";
  for (std::size_t width = 1; width <= display_width(text); ++width) {
    const std::string cut = shorten_middle(text, width);
    ASSERT_LE(display_width(cut), width);
    ASSERT_EQ(printable(cut), cut);
  }
}

TEST(ShellQuoted, QuotesOnlyWhereNeeded) {
  EXPECT_EQ(shell_quoted("/orders"), "/orders");
  EXPECT_EQ(shell_quoted("/orders/{id}"), "'/orders/{id}'");
  EXPECT_EQ(shell_quoted("<unmatched>"), "'<unmatched>'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("$(id)"), "'$(id)'");
}

}  // namespace
}  // namespace heapledger::report
