#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.h"
#include "report/segments_text.h"
#include "segments_results.h"

namespace heapledger::report {
namespace {

TEST(SegmentsGolden, ServiceText) { expect_golden("segments/service.txt", segments_result().to_text()); }
TEST(SegmentsGolden, ServiceJson) { expect_golden("segments/service.json", segments_result().to_json()); }
TEST(SegmentsGolden, ServiceCsv) { expect_golden("segments/service.csv", segments_result().to_csv()); }
TEST(SegmentsGolden, EmptyText) { expect_golden("segments/empty.txt", no_segments_result().to_text()); }
TEST(SegmentsGolden, EmptyJson) { expect_golden("segments/empty.json", no_segments_result().to_json()); }
TEST(SegmentsGolden, EmptyCsv) { expect_golden("segments/empty.csv", no_segments_result().to_csv()); }

TEST(SegmentsGolden, ServiceOnAnEightyColumnTerminalInColour) {
  expect_golden("segments/service_80_columns.txt", segments_text(segments_result(), {80, true}));
}

TEST(SegmentsJson, IsAsciiWhateverTheRoutesHold) {
  for (const char character : segments_result().to_json()) {
    ASSERT_TRUE(character == '\n' || (character >= 0x20 && character < 0x7f));
  }
}

}  // namespace
}  // namespace heapledger::report
