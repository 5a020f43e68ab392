#include "engine/marks.h"

#include <gtest/gtest.h>

#include <string>

#include "fresh_engine.h"

namespace heapledger::engine {
namespace {

using Marks = FreshEngine;

std::string notice_of(const Engine& e, EndpointId endpoint) {
  const ledger::EndpointRecord& row = e.ledger.endpoints[endpoint.raw()];
  return {e.ledger.strings + row.notice_offset, row.notice_bytes};
}

TEST_F(Marks, the_first_notice_of_an_endpoint_stays) {
  const EndpointId old = intern_endpoint(e_, {"GET", "/old", "", true});
  EXPECT_TRUE(note_end_of_life(e_, old, "@1", "Sun"));
  EXPECT_TRUE(note_end_of_life(e_, old, "@2", "Mon"));
  EXPECT_EQ(notice_of(e_, old), "@1\nSun");
  EXPECT_FALSE(note_end_of_life(e_, EndpointId{0}, "@1", ""));
  EXPECT_FALSE(note_end_of_life(e_, EndpointId{999}, "@1", ""));
}

TEST_F(Marks, long_notices_are_cut) {
  const EndpointId old = intern_endpoint(e_, {"GET", "/old", "", true});
  EXPECT_TRUE(note_end_of_life(e_, old, std::string(5000, 'a'), std::string(5000, 'b')));
  std::string kept(257, 'a');
  kept[128] = '\n';
  kept.replace(129, 128, 128, 'b');
  EXPECT_EQ(notice_of(e_, old), kept);
}

TEST_F(Marks, calls_are_summed_by_name_and_endpoint) {
  const EndpointId a = intern_endpoint(e_, {"GET", "/a", "", false});
  const EndpointId b = intern_endpoint(e_, {"GET", "/b", "", false});
  note_compat_call(e_, a, "shim", {100, 60, 5});
  note_compat_call(e_, a, "shim", {50, 40, 5});
  note_compat_call(e_, b, "shim", {1, 1, 1});
  note_compat_call(e_, a, "other", {2, 2, 2});
  const ledger::Header& header = e_.ledger.header;
  ASSERT_EQ(header.compat_mark_count.load(), 3U);
  EXPECT_EQ(header.compat_marks[0].calls, 2U);
  EXPECT_EQ(header.compat_marks[0].allocated_bytes, 150U);
  EXPECT_EQ(header.compat_marks[0].peak_bytes, 60U);
  EXPECT_EQ(header.compat_marks[0].duration_ns, 10U);
  EXPECT_EQ(header.compat_marks[1].endpoint, b.raw());
}

TEST_F(Marks, calls_without_room_are_counted) {
  for (std::uint32_t i = 0; i < ledger::kCompatMarks + 5; ++i) {
    note_compat_call(e_, EndpointId{0}, "shim " + std::to_string(i), {1, 1, 1});
  }
  EXPECT_EQ(e_.ledger.header.compat_mark_count.load(), ledger::kCompatMarks);
  EXPECT_EQ(e_.ledger.header.compat_calls_without_mark, 5U);
}

TEST_F(Marks, a_child_starts_its_sums_anew) {
  note_compat_call(e_, EndpointId{0}, "shim", {1, 1, 1});
  forget_compat_calls(e_.ledger.header);
  note_compat_call(e_, EndpointId{0}, "shim", {5, 5, 5});
  ASSERT_EQ(e_.ledger.header.compat_mark_count.load(), 1U);
  EXPECT_EQ(e_.ledger.header.compat_marks[0].allocated_bytes, 5U);
  EXPECT_EQ(e_.ledger.header.compat_marks[0].calls, 1U);
}

}  // namespace
}  // namespace heapledger::engine
