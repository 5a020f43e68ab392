// clean_text: valid UTF-8 passes unchanged, every other byte is replaced, one by one.
#include "recording/text.h"

#include <gtest/gtest.h>

namespace heapledger::recording {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

TEST(CleanText, KeepsValidText) {
  for (const char* text : {"", "/orders/{id}", "/\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "a\n\t\x1b[0m"}) {
    EXPECT_EQ(clean_text(text), text);
  }
}

TEST(CleanText, ReplacesWhatIsNotUtf8) {
  const std::string r = kReplacement;
  EXPECT_EQ(clean_text("\xFF"), r);
  EXPECT_EQ(clean_text("a\x80z"), "a" + r + "z");
  EXPECT_EQ(clean_text("\xC0\xAF"), r + r) << "overlong";
  EXPECT_EQ(clean_text("\xE0\x80\x80"), r + r + r) << "overlong";
  EXPECT_EQ(clean_text("\xED\xA0\x80"), r + r + r) << "surrogate";
  EXPECT_EQ(clean_text("\xF4\x90\x80\x80"), r + r + r + r) << "beyond U+10FFFF";
  EXPECT_EQ(clean_text("\xE2\x82"), r + r) << "cut";
  EXPECT_EQ(clean_text(std::string_view("a\0b", 3)), "a" + r + "b");
}

}  // namespace
}  // namespace heapledger::recording
