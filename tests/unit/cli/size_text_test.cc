// parse_size: what flags take as sizes.
#include "cli/size_text.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace heapledger::cli {
namespace {

TEST(ParseSize, KnowsBothKindsOfUnits) {
  EXPECT_EQ(parse_size("0"), 0);
  EXPECT_EQ(parse_size("1048576"), 1048576);
  EXPECT_EQ(parse_size("7B"), 7);
  EXPECT_EQ(parse_size("512Mi"), 512LL << 20);
  EXPECT_EQ(parse_size("512MiB"), 512LL << 20);
  EXPECT_EQ(parse_size("512MB"), 512'000'000);
  EXPECT_EQ(parse_size("1.5 GiB"), 3LL << 29);
  EXPECT_EQ(parse_size("2TB"), 2'000'000'000'000);
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const char* text : {"", "many", "-1", "-1MiB", "1XB", "MiB", "nan", "inf", "1e3", "1 0", "9999999999TiB",
                           "1MiB ", "0x10", "1,5GiB"}) {
    EXPECT_THROW(parse_size(text), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace heapledger::cli
