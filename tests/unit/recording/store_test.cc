// Store and Recording together: what is written is what is read, and a file is one plain file in the end.
#include "recording/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "../ledger/temporary_folder.h"
#include "recording/sqlite.h"
#include "recordings_for_tests.h"

namespace heapledger::recording {
namespace {

using heapledger::testing::TemporaryFolder;

TEST(Store, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder / "r.db";
  const auto store = Store::create(path, beginning());
  store->begin();
  const std::int64_t worker = store->add_worker(a_worker());
  const std::int64_t endpoint = store->intern_endpoint({0, "GET", "/a,\"b\"\n\x1b[31m", "2", true});
  RequestRow request = a_request(worker, endpoint, 3);
  request.request_type = store->intern_content_type("application/json");
  request.native_peak_bytes = 9;
  request.flags = 2;
  store->add_request(request);
  store->replace_owner_totals(worker, {{0, OwnerTotalKind::kImport, std::nullopt, "json", 1, 10, 4, 6},
                                       {0, OwnerTotalKind::kTenured, endpoint, std::nullopt, 1, 5, 7, -2}});
  store->replace_in_flight(worker, {{0, std::nullopt, 9, 77, 1, 2, 3}});
  store->replace_peak({worker, 5, 1000, 12, {{endpoint, 3, 900}, {std::nullopt, 9, 100}}});
  store->add_timeline({worker, 10, 4096, 99, 2, std::nullopt, 7});
  store->add_note({"/usr/bin/python3.9", "3.9.2", "too old"});
  store->set_native(true);
  store->set_dropped_requests(4);
  store->commit();
  EXPECT_TRUE(store->close(kStartedNs + 1, true));

  const Recording recording(path);
  const MetaRow meta = recording.read_meta();
  EXPECT_EQ(meta.schema_version, 1);
  EXPECT_EQ(meta.command, "gunicorn");
  EXPECT_EQ(meta.started_unix_ns, kStartedNs);
  EXPECT_EQ(meta.ended_unix_ns, kStartedNs + 1);
  EXPECT_TRUE(meta.native);
  EXPECT_TRUE(meta.complete);
  EXPECT_EQ(meta.dropped_requests, 4);
  EXPECT_FALSE(meta.single_requests_since_us);
  ASSERT_EQ(recording.workers().size(), 1U);
  EXPECT_EQ(recording.workers()[0].ending, WorkerEnding::kRunning);
  EXPECT_FALSE(recording.workers()[0].audited_live_bytes);
  ASSERT_EQ(recording.endpoints().size(), 1U);
  EXPECT_EQ(recording.endpoints()[0].route, "/a,\"b\"\n\x1b[31m");
  EXPECT_TRUE(recording.endpoints()[0].deprecated);
  const std::vector<RequestRow> requests = recording.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].allocated_bytes, 3000);
  EXPECT_EQ(requests[0].request_type, recording.content_types()[0].id);
  EXPECT_FALSE(requests[0].response_type);
  EXPECT_FALSE(requests[0].native_allocated_bytes);
  EXPECT_EQ(requests[0].native_peak_bytes, 9);
  ASSERT_EQ(recording.owner_totals().size(), 2U);
  EXPECT_EQ(recording.owner_totals()[0].name, "json");
  EXPECT_EQ(recording.owner_totals()[1].live_bytes, -2);
  EXPECT_EQ(recording.in_flight()[0].allocated_bytes, 3);
  ASSERT_EQ(recording.peaks().size(), 1U);
  EXPECT_EQ(recording.peaks()[0].members.size(), 2U);
  EXPECT_EQ(recording.timeline()[0].rss_bytes, 4096);
  EXPECT_FALSE(recording.timeline()[0].arena_bytes);
  EXPECT_EQ(recording.notes()[0].reason, "too old");
}

TEST(Store, LeavesOnePlainFile) {
  const TemporaryFolder folder;
  write_recording(folder / "r.db", 10);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++files;
  EXPECT_EQ(files, 1U);
}

TEST(Store, ARequestCostsAtMost300BytesOnDiskWhateverItAllocates) {
  const TemporaryFolder folder;
  constexpr std::int64_t kRequests = 20'000;
  {
    const auto store = Store::create(folder / "r.db", beginning());
    store->begin();
    const std::int64_t worker = store->add_worker(a_worker());
    const std::int64_t endpoint = store->intern_endpoint({0, "GET", "/orders", "", false});
    for (std::int64_t sequence = 1; sequence <= kRequests; ++sequence) {
      RequestRow row = a_request(worker, endpoint, sequence);
      const std::int64_t huge = std::int64_t{1} << 45;
      row.started_us = huge;
      for (std::int64_t RequestRow::*figure :
           {&RequestRow::duration_us, &RequestRow::received_bytes, &RequestRow::sent_bytes,
            &RequestRow::allocated_bytes, &RequestRow::allocations, &RequestRow::peak_bytes, &RequestRow::escaped_bytes,
            &RequestRow::isolated_bytes, &RequestRow::adopted_bytes, &RequestRow::running_us,
            &RequestRow::after_response_bytes}) {
        row.*figure = huge + sequence;
      }
      row.native_allocated_bytes = huge;
      row.native_peak_bytes = huge;
      row.byte_seconds = 1e15 / 3;
      store->add_request(row);
    }
    store->commit();
    store->close(kStartedNs, true);
  }
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(folder / "r.db"));
  EXPECT_LE(bytes / kRequests, 300);
}

TEST(Store, RefusesAnExistingFileAndASymbolicLink) {
  const TemporaryFolder folder;
  put_bytes(folder / "there", "x");
  EXPECT_THROW(Store::create(folder / "there", beginning()), RecordingError);
  EXPECT_EQ(bytes_of(folder / "there"), "x");
  ASSERT_EQ(::symlink((folder / "target").c_str(), (folder / "link").c_str()), 0);
  EXPECT_THROW(Store::create(folder / "link", beginning()), RecordingError);
  EXPECT_FALSE(std::filesystem::exists(folder / "target"));
}

TEST(Store, IsReadWhileItIsBeingWritten) {
  const TemporaryFolder folder;
  const auto store = Store::create(folder / "r.db", beginning());
  store->begin();
  const std::int64_t worker = store->add_worker(a_worker());
  const std::int64_t endpoint = store->intern_endpoint({0, "GET", "/orders", "", false});
  store->add_request(a_request(worker, endpoint, 1));
  store->commit();
  const Recording recording(folder / "r.db");
  store->begin();
  store->add_request(a_request(worker, endpoint, 2));
  store->commit();
  EXPECT_EQ(recording.requests().size(), 1U) << "one recording answers from one snapshot";
  EXPECT_EQ(Recording(folder / "r.db").requests().size(), 2U);
  EXPECT_FALSE(recording.read_meta().complete);
  EXPECT_FALSE(recording.read_meta().ended_unix_ns);
  EXPECT_EQ(recording.read_meta().writer_runs, true);
  store->close(kStartedNs + 1, true);
  EXPECT_EQ(Recording(folder / "r.db").read_meta().writer_runs, std::nullopt) << "it has an end";
}

TEST(Store, SaysWhetherItsWriterStillRuns) {
  const TemporaryFolder folder;
  static_cast<void>(Store::create(folder / "r.db", beginning()));
  const auto with = [&](const std::string& key, const std::string& value) {
    Database(folder / "r.db", Database::Access::kWrite)
        .execute(("UPDATE meta SET value = " + value + " WHERE key = '" + key + "'").c_str());
    return Recording(folder / "r.db").read_meta().writer_runs;
  };
  EXPECT_EQ(with("writer_start_ticks", "1"), false) << "the pid is another process's by now";
  EXPECT_EQ(with("writer_pid", "999999999"), false);
  EXPECT_EQ(with("writer_pid", "-1"), false);
  EXPECT_EQ(with("writer_pid_namespace", "'pid:[1]'"), std::nullopt);
}

TEST(Store, WhatAKilledCollectorLeftIsReadableAndIncomplete) {
  const TemporaryFolder folder;
  const auto store = Store::create(folder / "r.db", beginning());
  store->begin();
  const std::int64_t worker = store->add_worker(a_worker());
  const std::int64_t endpoint = store->intern_endpoint({0, "GET", "/orders", "", false});
  for (int sequence = 1; sequence <= 100; ++sequence) store->add_request(a_request(worker, endpoint, sequence));
  store->commit();
  // What is on disk at this moment is what SIGKILL would leave.
  std::filesystem::create_directory(folder / "killed");
  for (const char* name : {"r.db", "r.db-wal"}) {
    std::filesystem::copy_file(folder / name, folder / "killed" + std::string("/") + name);
  }
  const Recording recording(folder / "killed/r.db");
  EXPECT_EQ(recording.requests().size(), 100U);
  EXPECT_FALSE(recording.read_meta().complete);
}

TEST(Store, RollsBackWhatWasNotCommitted) {
  const TemporaryFolder folder;
  {
    const auto store = Store::create(folder / "r.db", beginning());
    store->begin();
    store->add_worker(a_worker());
    store->close(kStartedNs, false);
  }
  EXPECT_TRUE(Recording(folder / "r.db").workers().empty());
}

TEST(Store, FiltersRequests) {
  const TemporaryFolder folder;
  {
    const auto store = Store::create(folder / "r.db", beginning());
    store->begin();
    const std::int64_t first = store->add_worker(a_worker());
    const std::int64_t second = store->add_worker(a_worker());
    const std::int64_t get = store->intern_endpoint({0, "GET", "/orders", "", false});
    const std::int64_t post = store->intern_endpoint({0, "POST", "/orders", "", false});
    store->add_request(a_request(first, get, 1));
    store->add_request(a_request(second, get, 2));
    store->add_request(a_request(first, post, 3));
    store->commit();
    store->close(kStartedNs, true);
  }
  const Recording recording(folder / "r.db");
  const auto count = [&](const RequestFilter& filter) { return recording.requests(filter).size(); };
  EXPECT_EQ(count({}), 3U);
  EXPECT_EQ(count({.route = "/orders", .method = "GET", .worker = {}, .since_us = {}, .until_us = {}}), 2U);
  EXPECT_EQ(count({.route = {}, .method = {}, .worker = 1, .since_us = {}, .until_us = {}}), 2U);
  EXPECT_EQ(count({.route = {}, .method = {}, .worker = {}, .since_us = 2000, .until_us = 3000}), 1U);
  EXPECT_EQ(count({.route = "/o' OR 1=1 --", .method = {}, .worker = {}, .since_us = {}, .until_us = {}}), 0U);
}

}  // namespace
}  // namespace heapledger::recording
