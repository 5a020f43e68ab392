// What a recording says of bodies, written by SQL: every column comes back as itself, and nothing else does.
#include <gtest/gtest.h>

#include "../ledger/temporary_folder.h"
#include "recording/sqlite.h"
#include "recordings_for_tests.h"

namespace heapledger::recording {
namespace {

using heapledger::testing::TemporaryFolder;

void change(const std::string& path, const char* sql) { Database(path, Database::Access::kWrite).execute(sql); }

std::vector<BodyRow> bodies_of(const std::string& path) {
  std::vector<BodyRow> rows;
  Recording(path).for_each_body([&rows](const BodyRow& row) { rows.push_back(row); });
  return rows;
}

constexpr char kFill[] =
    "INSERT INTO content_encoding VALUES (4, 'gzip'); INSERT INTO content_type VALUES (7, 'text/csv');"
    "UPDATE request SET received_bytes = 10, sent_bytes = 20, peak_bytes = 30, request_type = 7, flags = 15, "
    "request_encoding = 4, read_allocated_bytes = 1, read_peak_bytes = 2, read_us = 3, "
    "deserialize_allocated_bytes = 4, deserialize_peak_bytes = 5, deserialize_us = 6, handle_allocated_bytes = 7, "
    "handle_peak_bytes = 8, handle_us = 9, serialize_allocated_bytes = 10, serialize_peak_bytes = 11, "
    "serialize_us = 12, send_allocated_bytes = 13, send_peak_bytes = 14, send_us = 15 WHERE sequence = 2";

TEST(BodyRows, AreReadAsTheyAre) {
  const TemporaryFolder folder;
  const std::string path = folder / "r.db";
  write_recording(path, 3);
  change(path, kFill);
  const std::vector<BodyRow> rows = bodies_of(path);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_FALSE(rows[0].phases);
  EXPECT_FALSE(rows[0].request_type || rows[0].request_encoding || rows[0].raised || rows[0].sent_in_pieces);
  const BodyRow& row = rows[1];
  EXPECT_EQ(row.started_us, 2000);
  EXPECT_EQ(row.status, 200);
  EXPECT_EQ(row.received_bytes, 10);
  EXPECT_EQ(row.sent_bytes, 20);
  EXPECT_EQ(row.peak_bytes, 30);
  EXPECT_EQ(row.request_type, 7);
  EXPECT_FALSE(row.response_type);
  EXPECT_EQ(row.request_encoding, 4);
  EXPECT_TRUE(row.approximate && row.raised && row.received_in_pieces && row.sent_in_pieces);
  EXPECT_FALSE(row.disconnected);
  ASSERT_TRUE(row.phases);
  for (std::size_t i = 0; i < kPhases; ++i) {
    const auto first = static_cast<std::int64_t>(3 * i) + 1;
    EXPECT_EQ((*row.phases)[i].allocated_bytes, first);
    EXPECT_EQ((*row.phases)[i].peak_bytes, first + 1);
    EXPECT_EQ((*row.phases)[i].duration_us, first + 2);
  }
  EXPECT_EQ(Recording(path).content_encodings().at(0).name, "gzip");
}

TEST(BodyRows, LimitsHoldForAnEndpointOrForAll) {
  const TemporaryFolder folder;
  const std::string path = folder / "r.db";
  write_recording(path, 1);
  change(path, "INSERT INTO body_limit VALUES (1, NULL, 'a', NULL), (1, 1, 'b', 5)");
  const std::vector<BodyLimitRow> limits = Recording(path).body_limits();
  ASSERT_EQ(limits.size(), 2U);
  EXPECT_FALSE(limits[0].endpoint || limits[0].limit_bytes);
  EXPECT_EQ(limits[1].endpoint, 1);
  EXPECT_EQ(limits[1].limit_bytes, 5);
}

TEST(BodyRows, WhatContradictsItselfIsDamage) {
  const TemporaryFolder folder;
  int number = 0;
  for (const char* sql :
       {"UPDATE request SET request_encoding = 99", "UPDATE request SET response_type = 99",
        "UPDATE request SET read_us = 1", "UPDATE request SET received_bytes = -1", "UPDATE request SET endpoint = 99",
        "UPDATE request SET worker = 99", "INSERT INTO body_limit VALUES (99, NULL, '', 1)",
        "INSERT INTO body_limit VALUES (1, 99, '', 1)", "INSERT INTO body_limit VALUES (1, 1, '', -1)"}) {
    const std::string path = folder / (std::to_string(++number) + ".db");
    write_recording(path, 3);
    change(path, sql);
    EXPECT_THROW(
        {
          bodies_of(path);
          Recording(path).body_limits();
        },
        RecordingError)
        << sql;
  }
}

}  // namespace
}  // namespace heapledger::recording
