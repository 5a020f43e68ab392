// Files that are not (or no longer) recordings: one line of error or right rows, never a crash, never invented data.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>
#include <random>

#include "../ledger/temporary_folder.h"
#include "recordings_for_tests.h"

namespace heapledger::recording {
namespace {

using heapledger::testing::TemporaryFolder;

// The message of the refusal; "" when everything could be read.
std::string refusal(const std::string& path, std::size_t* requests = nullptr) {
  try {
    const Recording recording(path);
    const std::size_t count = read_everything(recording);
    if (requests != nullptr) *requests = count;
    return {};
  } catch (const RecordingError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    EXPECT_STRNE(error.what(), "");
    return error.what();
  }
}

void execute(const std::string& path, const char* sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, &message), SQLITE_OK) << (message != nullptr ? message : "");
  sqlite3_close(database);
}

TEST(HostileRecording, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const auto expect = [&](const std::string& name, const std::string& part) {
    const std::string message = refusal(folder / name);
    EXPECT_NE(message.find(part), std::string::npos) << name << ": " << message;
  };
  expect("absent.db", "no recording at");
  expect(".", "is a folder");
  put_bytes(folder / "empty.db", "");
  expect("empty.db", "0 bytes");
  put_bytes(folder / "text.db", "hello");
  expect("text.db", "is not a heapledger recording");
  put_bytes(folder / "zeros.db", std::string(8192, '\0'));
  expect("zeros.db", "is not a heapledger recording");
  ASSERT_EQ(::mkfifo((folder / "fifo.db").c_str(), 0600), 0);
  expect("fifo.db", "not a regular file");
  execute(folder / "foreign.db", "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  expect("foreign.db", "is not a heapledger recording");
  write_recording(folder / "newer.db", 3);
  execute(folder / "newer.db", "PRAGMA user_version = 2");
  expect("newer.db", "newer heapledger");
  write_recording(folder / "unversioned.db", 3);
  execute(folder / "unversioned.db", "PRAGMA user_version = 0");
  expect("unversioned.db", "damaged");
}

TEST(HostileRecording, CutAtEvery512BytesIsRefused) {
  const TemporaryFolder folder;
  write_recording(folder / "whole.db", 500);
  const std::string bytes = bytes_of(folder / "whole.db");
  ASSERT_GT(bytes.size(), 60'000U);
  for (std::size_t length = 0; length < bytes.size(); length += 512) {
    put_bytes(folder / "cut.db", bytes.substr(0, length));
    EXPECT_NE(refusal(folder / "cut.db"), "") << length;
  }
  EXPECT_EQ(refusal(folder / "whole.db"), "");
}

TEST(HostileRecording, ACutWriteAheadLogLosesOnlyItsTail) {
  const TemporaryFolder folder;
  const auto store = Store::create(folder / "r.db", beginning());
  for (int sequence = 1; sequence <= 40; ++sequence) {
    store->begin();
    const std::int64_t worker = sequence == 1 ? store->add_worker(a_worker()) : 1;
    store->add_request(a_request(worker, store->intern_endpoint({0, "GET", "/orders", "", false}), sequence));
    store->commit();
  }
  const std::string main_bytes = bytes_of(folder / "r.db");
  const std::string log_bytes = bytes_of(folder / "r.db-wal");
  std::size_t before = 0;
  for (std::size_t step = 0; step <= log_bytes.size() / 512 + 1; ++step) {
    const std::size_t length = std::min(step * 512, log_bytes.size());
    std::filesystem::remove(folder / "cut.db-shm");
    put_bytes(folder / "cut.db", main_bytes);
    put_bytes(folder / "cut.db-wal", log_bytes.substr(0, length));
    std::size_t requests = 0;
    if (!refusal(folder / "cut.db", &requests).empty()) continue;
    EXPECT_GE(requests, before) << length;
    before = requests;
  }
  EXPECT_EQ(before, 40U);
}

TEST(HostileRecording, FlippedBytesAreRefusedOrHarmless) {
  const TemporaryFolder folder;
  write_recording(folder / "whole.db", 300);
  const std::string bytes = bytes_of(folder / "whole.db");
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string damaged = bytes;
    for (int i = 0; i < 8; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    put_bytes(folder / "damaged.db", damaged);
    refusal(folder / "damaged.db");
  }
}

TEST(HostileRecording, ViewsTriggersAndExtraTablesAreRefused) {
  const TemporaryFolder folder;
  const auto tampered = [&](const char* sql) {
    std::filesystem::remove(folder / "t.db");
    write_recording(folder / "t.db", 3);
    execute(folder / "t.db", sql);
    return refusal(folder / "t.db");
  };
  EXPECT_NE(
      tampered("DROP TABLE process_note; CREATE VIEW process_note AS WITH RECURSIVE r(n) AS "
               "(SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n AS executable, '' AS python, '' AS reason FROM r"),
      "");
  EXPECT_NE(tampered("CREATE TABLE extra (x)"), "");
  EXPECT_NE(tampered("ALTER TABLE request ADD COLUMN more INTEGER"), "");
  EXPECT_NE(tampered("DROP TABLE request"), "");
}

TEST(HostileRecording, ValuesThatNoCollectorWritesAreRefused) {
  const TemporaryFolder folder;
  const auto tampered = [&](const char* sql) {
    std::filesystem::remove(folder / "t.db");
    write_recording(folder / "t.db", 3);
    execute(folder / "t.db", sql);
    return refusal(folder / "t.db");
  };
  EXPECT_NE(tampered("UPDATE request SET allocated_bytes = -1 WHERE id = 2"), "");
  EXPECT_NE(tampered("UPDATE request SET peak_bytes = 'many'"), "");
  EXPECT_NE(tampered("UPDATE request SET byte_seconds = 9e999"), "");
  EXPECT_NE(tampered("UPDATE request SET endpoint = 99"), "");
  EXPECT_NE(tampered("UPDATE request SET worker = 99"), "");
  EXPECT_NE(tampered("UPDATE request SET response_type = 5"), "");
  EXPECT_NE(tampered("UPDATE worker SET ending = 'exploded'"), "");
  EXPECT_NE(tampered("DELETE FROM meta WHERE key = 'started_unix_ns'"), "");
  EXPECT_NE(tampered("INSERT INTO owner_total VALUES (1, 'owner?', NULL, NULL, 1, 1, 1, 0)"), "");
  EXPECT_NE(tampered("INSERT INTO peak_member VALUES (1, NULL, 1, 1)"), "");
  EXPECT_NE(tampered("INSERT INTO endpoint_slice VALUES (1, 0, 1, 1, 0, '{]')"), "");
  EXPECT_EQ(tampered("UPDATE request SET allocated_bytes = 5"), "");
}

TEST(HostileRecording, TextThatIsNotUtf8IsMadeValid) {
  const TemporaryFolder folder;
  write_recording(folder / "t.db", 1);
  execute(folder / "t.db", "UPDATE endpoint SET route = CAST(x'2F61FF00C0AF' AS TEXT)");
  EXPECT_EQ(Recording(folder / "t.db").endpoints()[0].route, "/a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(HostileRecording, AFinishedRecordingIsReadInAReadOnlyFolder) {
  const TemporaryFolder folder;
  write_recording(folder / "r.db", 3);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
  const uid_t self = ::geteuid();
  constexpr uid_t kNobody = 65534;
  if (self == 0) {
    ASSERT_EQ(::seteuid(kNobody), 0);  // root writes everywhere
  }
  EXPECT_EQ(refusal(folder / "r.db"), "");
  if (self == 0) {
    ASSERT_EQ(::seteuid(self), 0);
  }
  ::chmod(folder.path().c_str(), 0700);
}

// A torn ledger may claim what it likes: what is stored of it is read again, at the largest figure that can be.
TEST(HostileRecording, WhatATornLedgerClaimsIsStoredAsWhatIsRead) {
  const TemporaryFolder folder;
  const std::unique_ptr<Store> store = Store::create(folder / "r.db", beginning());
  store->begin();
  WorkerRow worker = a_worker();
  worker.heapledger_bytes = std::numeric_limits<std::int64_t>::max();
  worker.live_bytes = std::numeric_limits<std::int64_t>::min();
  worker.freed_bytes = std::numeric_limits<std::int64_t>::max();
  worker.id = store->add_worker(worker);
  store->update_worker(worker);
  store->commit();
  store->close(kStartedNs + 5'000'000'000, true);
  const WorkerRow row = Recording(folder / "r.db").workers().at(0);
  EXPECT_EQ(row.heapledger_bytes, std::int64_t{1} << 56);
  EXPECT_EQ(row.live_bytes, -(std::int64_t{1} << 56));
  EXPECT_EQ(row.freed_bytes, std::int64_t{1} << 56);
}

}  // namespace
}  // namespace heapledger::recording
