#include "report/units.h"

#include <gtest/gtest.h>

#include <limits>

namespace heapledger::report {
namespace {

TEST(FormatBytes, PicksTheUnitThatLeavesAWholeNumber) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1), "1 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1126), "1.1 KiB");
  EXPECT_EQ(format_bytes(65536), "64.0 KiB");
  EXPECT_EQ(format_bytes(162ULL << 20), "162 MiB");
  EXPECT_EQ(format_bytes(3ULL << 30), "3.0 GiB");
  EXPECT_EQ(format_bytes(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
}

TEST(FormatBytes, NeverSays1024OfAUnit) {
  EXPECT_EQ(format_bytes(1'048'063), "1023 KiB");
  EXPECT_EQ(format_bytes(1'048'064), "1.0 MiB");
  EXPECT_EQ(format_bytes((1ULL << 30) - 1), "1.0 GiB");
}

TEST(FormatBytes, KeepsThreeDigitsAtTheEdgeOfADecimal) {
  EXPECT_EQ(format_bytes(static_cast<std::uint64_t>(99.94 * 1024)), "99.9 KiB");
  EXPECT_EQ(format_bytes(static_cast<std::uint64_t>(99.96 * 1024)), "100 KiB");
}

TEST(FormatIn, SharesOneUnit) {
  const ByteUnit unit = byte_unit_for(412ULL << 20);
  EXPECT_STREQ(unit.name, "MiB");
  EXPECT_EQ(format_in(unit, 190.4 * 1024 * 1024), "190");
  EXPECT_EQ(format_in(unit, 1024), "0");
}

TEST(FormatCount, GroupsThousands) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(18204), "18,204");
  EXPECT_EQ(format_count(1234567890), "1,234,567,890");
}

TEST(FormatDuration, ChangesUnitsWithoutAGap) {
  EXPECT_EQ(format_duration(0), "0 us");
  EXPECT_EQ(format_duration(850e-6), "850 us");
  EXPECT_EQ(format_duration(0.0125), "12.5 ms");
  EXPECT_EQ(format_duration(0.25), "250 ms");
  EXPECT_EQ(format_duration(0.9996), "1.0 s");
  EXPECT_EQ(format_duration(59.96), "1 min 00 s");
  EXPECT_EQ(format_duration(329), "5 min 29 s");
  EXPECT_EQ(format_duration(3599.6), "1 h 00 min");
  EXPECT_EQ(format_duration(7500), "2 h 05 min");
  EXPECT_EQ(format_duration(76.0 * 3600), "3 d 04 h");
}

TEST(FormatDuration, SurvivesWhatIsNone) {
  EXPECT_EQ(format_duration(-1), "?");
  EXPECT_EQ(format_duration(std::numeric_limits<double>::quiet_NaN()), "?");
  EXPECT_EQ(format_duration(std::numeric_limits<double>::infinity()), "?");
  EXPECT_EQ(format_duration(1e300).substr(0, 9), "104166666");
}

TEST(FormatPercent, NeverRoundsToAllOrNothing) {
  EXPECT_EQ(format_percent(0), "0 %");
  EXPECT_EQ(format_percent(0.0004), "< 0.1 %");
  EXPECT_EQ(format_percent(0.019), "1.9 %");
  EXPECT_EQ(format_percent(0.61), "61 %");
  EXPECT_EQ(format_percent(0.999), "> 99 %");
  EXPECT_EQ(format_percent(1), "100 %");
}

TEST(FormatTime, IsUtc) {
  EXPECT_EQ(format_iso_time(1'795'000'000'250'000), "2026-11-18T11:06:40.250000Z");
  EXPECT_EQ(format_iso_time(std::numeric_limits<std::int64_t>::max()), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_iso_time(std::numeric_limits<std::int64_t>::min()), "0000-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_clock(1'795'000'000'250'000), "11:06:40 UTC");
  EXPECT_EQ(format_iso_time(0), "1970-01-01T00:00:00.000000Z");
}

}  // namespace
}  // namespace heapledger::report
