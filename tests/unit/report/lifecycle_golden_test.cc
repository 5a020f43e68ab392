#include <gtest/gtest.h>

#include "golden.h"
#include "lifecycle_results.h"
#include "report/lifecycle_text.h"
#include "report/sparkline.h"

namespace heapledger::report {
namespace {

analysis::LifecycleResult nothing() { return analysis::lifecycle(analysis::small_tables(), {}); }

TEST(LifecycleGolden, ReportText) { expect_golden("lifecycle/report.txt", lifecycle_text(report_lifecycle(), {})); }
TEST(LifecycleGolden, ReportJson) { expect_golden("lifecycle/report.json", report_lifecycle().to_json()); }
TEST(LifecycleGolden, ReportCsv) { expect_golden("lifecycle/report.csv", report_lifecycle().to_csv()); }
TEST(LifecycleGolden, HostileText) {
  expect_golden("lifecycle/hostile.txt", lifecycle_text(report_lifecycle(true), {}));
}
TEST(LifecycleGolden, HostileJson) { expect_golden("lifecycle/hostile.json", report_lifecycle(true).to_json()); }
TEST(LifecycleGolden, HostileCsv) { expect_golden("lifecycle/hostile.csv", report_lifecycle(true).to_csv()); }
TEST(LifecycleGolden, EmptyText) { expect_golden("lifecycle/empty.txt", lifecycle_text(nothing(), {})); }
TEST(LifecycleGolden, EmptyJson) { expect_golden("lifecycle/empty.json", nothing().to_json()); }
TEST(LifecycleGolden, EmptyCsv) { expect_golden("lifecycle/empty.csv", nothing().to_csv()); }

TEST(LifecycleGolden, ReportOnAnAsciiTerminal) {
  TextStyle style;
  style.width = 60;
  style.colour = true;
  style.ascii = true;
  const std::string text = lifecycle_text(report_lifecycle(), style);
  for (const char character : text) ASSERT_TRUE(static_cast<unsigned char>(character) < 0x80);
  expect_golden("lifecycle/report_ascii.txt", text);
}

TEST(Sparkline, GoesFromTheLowestToTheHighestBar) {
  EXPECT_EQ(sparkline({0, 1, 2, 3, 4, 5, 6, 7}, 7, true), "_.:-=+*#");
  EXPECT_EQ(sparkline({0, 7, 99}, 7, false), "\u2581\u2588\u2588");
  EXPECT_EQ(sparkline({0, 5}, 0, true), "__");
  EXPECT_EQ(sparkline({}, 7, true), "");
}

}  // namespace
}  // namespace heapledger::report
