// Run folders, rotation and recovery: what belongs to whom, and what a killed run leaves.
#include "recording/run_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "../ledger/synthetic_ledger.h"
#include "../ledger/temporary_folder.h"
#include "recording/collector.h"
#include "recording/process_table.h"
#include "recording/recovery.h"
#include "recording/rotation.h"
#include "recording/run_lock.h"
#include "recording/sqlite.h"
#include "recordings_for_tests.h"

namespace heapledger::recording {
namespace {

namespace fs = std::filesystem;
using heapledger::testing::SyntheticLedger;
using heapledger::testing::TemporaryFolder;

constexpr std::uint64_t kNobody = 999'999'999;

TEST(RunFolder, IsPrivateAndRemovedWithItsFiles) {
  const TemporaryFolder folder;
  const std::string run = create_run_folder(folder.path());
  struct stat info {};
  ASSERT_EQ(::stat(run.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
  const RunLock lock = write_run_info(run, {1, 2, "/somewhere/r.db", 3});
  EXPECT_THROW(write_run_info(run, {1, 2, "/somewhere/r.db", 3}), RecordingError);
  ASSERT_EQ(::stat((run + "/run.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(read_run_info(run)->recording, "/somewhere/r.db");
  remove_run_folder(run);
  EXPECT_FALSE(fs::exists(run));
}

TEST(RunFolder, BelongsToWhoeverHoldsItsLock) {
  const TemporaryFolder folder;
  RunLock owner = write_run_info(folder.path(), {1, 2, "/somewhere/r.db", 3});
  RunLock other;
  EXPECT_EQ(other.take(run_info_path(folder.path())), RunLock::Found::kHeldByAnother);
  owner.release();
  EXPECT_EQ(other.take(run_info_path(folder.path())), RunLock::Found::kTaken);
  EXPECT_EQ(RunLock().take(run_info_path(folder.path())), RunLock::Found::kHeldByAnother);
  EXPECT_EQ(RunLock().take(folder / "nothing"), RunLock::Found::kNoRun);
}

TEST(RunFolder, OthersFoldersAreNotListed) {
  const TemporaryFolder folder;
  const std::string mine = create_run_folder(folder.path());
  fs::create_directory(folder / "run-open");
  ::chmod((folder / "run-open").c_str(), 0755);
  fs::create_directory_symlink(mine, folder / "run-link");
  EXPECT_EQ(run_folders(folder.path()), std::vector<std::string>{mine});
}

TEST(RunFolder, ANamedBaseThatIsNoFolderOrCannotBeMadeIsRefused) {
  const TemporaryFolder folder;
  put_bytes(folder / "file", "");
  EXPECT_THROW(run_base(folder / "file"), RecordingError);
  EXPECT_THROW(run_base(folder / "no/such"), RecordingError);
  EXPECT_EQ(run_base(folder / "new"), fs::canonical(folder.path()) / "new");
}

TEST(Rotation, KeepsNine) {
  const TemporaryFolder folder;
  const std::string path = folder / "heapledger.db";
  for (int run = 0; run < 12; ++run) {
    rotate_recordings(path);
    EXPECT_FALSE(fs::exists(path));
    write_recording(path, run);
  }
  EXPECT_EQ(Recording(path).requests().size(), 11U);
  for (int number = 1; number <= 9; ++number) {
    const std::string kept = folder / ("heapledger." + std::to_string(number) + ".db");
    EXPECT_EQ(Recording(kept).requests().size(), static_cast<std::size_t>(11 - number));
  }
  EXPECT_FALSE(fs::exists(folder / "heapledger.10.db"));
}

TEST(Rotation, FillsAGapInsteadOfLosingTheOldest) {
  const TemporaryFolder folder;
  put_bytes(folder / "heapledger.db", "new");
  put_bytes(folder / "heapledger.1.db", "older");
  put_bytes(folder / "heapledger.3.db", "oldest");
  rotate_recordings(folder / "heapledger.db");
  EXPECT_EQ(bytes_of(folder / "heapledger.1.db"), "new");
  EXPECT_EQ(bytes_of(folder / "heapledger.2.db"), "older");
  EXPECT_EQ(bytes_of(folder / "heapledger.3.db"), "oldest");
}

TEST(Rotation, RefusesARecordingThatIsBeingWritten) {
  const TemporaryFolder folder;
  const auto store = Store::create(folder / "heapledger.db", beginning());
  EXPECT_THROW(rotate_recordings(folder / "heapledger.db"), RecordingError);
  EXPECT_THROW(claim_output(folder / "heapledger.db", true), RecordingError);
  store->begin();
  store->add_worker(a_worker());
  store->commit();
  EXPECT_EQ(Recording(folder / "heapledger.db").workers().size(), 1U);
}

TEST(Rotation, NamesBesideOthersThoseThatNobodyWrites) {
  const TemporaryFolder folder;
  const std::string path = folder / "heapledger.db";
  EXPECT_EQ(name_beside_others(path), path);
  const auto first = Store::create(path, beginning());
  EXPECT_EQ(name_beside_others(path), folder / "heapledger-2.db");
  auto second = Store::create(folder / "heapledger-2.db", beginning());
  EXPECT_EQ(name_beside_others(path), folder / "heapledger-3.db");
  second->close(kStartedNs, true);
  EXPECT_EQ(name_beside_others(path), folder / "heapledger-2.db");  // an older one there is rotated
}

TEST(Rotation, TakesTheLogOfAKilledCollectorAlong) {
  const TemporaryFolder folder;
  {
    const auto store = Store::create(folder / "live.db", beginning());
    store->begin();
    store->add_worker(a_worker());
    store->commit();
    fs::copy_file(folder / "live.db", folder / "heapledger.db");
    fs::copy_file(folder / "live.db-wal", folder / "heapledger.db-wal");
  }
  rotate_recordings(folder / "heapledger.db");
  EXPECT_FALSE(fs::exists(folder / "heapledger.db-wal"));
  EXPECT_EQ(Recording(folder / "heapledger.1.db").workers().size(), 1U);
}

TEST(Output, ReplacesOnlyRecordingsAndOnlyWhenForced) {
  const TemporaryFolder folder;
  claim_output(folder / "new.db", false);
  write_recording(folder / "r.db", 1);
  EXPECT_THROW(claim_output(folder / "r.db", false), RecordingError);
  EXPECT_TRUE(fs::exists(folder / "r.db"));
  claim_output(folder / "r.db", true);
  EXPECT_FALSE(fs::exists(folder / "r.db"));
  put_bytes(folder / "thesis.txt", "years of work");
  EXPECT_THROW(claim_output(folder / "thesis.txt", true), RecordingError);
  EXPECT_EQ(bytes_of(folder / "thesis.txt"), "years of work");
  EXPECT_THROW(claim_output(folder / "no/such/r.db", false), RecordingError);
}

// A run whose supervisor was killed after it had committed one request of three, without giving its slot back.
class KilledRun {
 public:
  explicit KilledRun(const TemporaryFolder& folder) : path_(folder / "r.db") {
    run_ = create_run_folder(folder / "");
    write_run_info(run_, {kNobody, 1, path_, kStartedNs});
    const std::uint32_t orders = synthetic_.add_endpoint("GET", "/orders");
    synthetic_.add_request(1, orders);
    {
      const auto store = Store::create(path_, beginning());
      WorkerRow worker = a_worker();
      worker.pid = static_cast<std::int64_t>(synthetic_.header().pid);
      worker.started_us = 0;
      store->begin();
      const std::int64_t id = store->add_worker(worker);
      store->add_request(a_request(id, store->intern_endpoint({0, "GET", "/orders", "", false}), 1));
      store->commit();
      fs::copy_file(path_, path_ + ".copy");
      fs::copy_file(path_ + "-wal", path_ + ".copy-wal");
    }
    fs::rename(path_ + ".copy", path_);
    fs::rename(path_ + ".copy-wal", path_ + "-wal");
    synthetic_.add_request(2, orders);
    synthetic_.add_request(3, orders);
  }
  SyntheticLedger& ledger() { return synthetic_; }
  void leave() const { synthetic_.write_to(run_ + "/1.ledger"); }
  const std::string& path() const { return path_; }
  const std::string& run() const { return run_; }

 private:
  std::string path_;
  std::string run_;
  SyntheticLedger synthetic_;
};

TEST(Recovery, FinishesTheRecordingOnceAndStoresNoRequestTwice) {
  const TemporaryFolder folder;
  KilledRun killed(folder);
  killed.leave();
  const std::vector<Recovery> recoveries = recover_unfinished_runs(folder.path());
  ASSERT_EQ(recoveries.size(), 1U);
  EXPECT_EQ(recoveries[0].failure, "");
  EXPECT_EQ(recoveries[0].requests, 2U);
  EXPECT_FALSE(fs::exists(killed.run()));
  EXPECT_TRUE(recover_unfinished_runs(folder.path()).empty());
  const Recording recording(killed.path());
  const std::vector<RequestRow> requests = recording.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[2].sequence, 3);
  ASSERT_EQ(recording.workers().size(), 1U);
  EXPECT_EQ(recording.workers()[0].ending, WorkerEnding::kDied);
  EXPECT_FALSE(recording.read_meta().complete);
  EXPECT_TRUE(recording.read_meta().ended_unix_ns);
}

TEST(Recovery, LeavesRunsAloneWhoseSupervisorOrWorkersLive) {
  const TemporaryFolder folder;
  const auto self = static_cast<std::uint64_t>(::getpid());
  const std::string supervised = create_run_folder(folder.path());
  write_run_info(supervised, {self, process_start_ticks(self).value(), folder / "x.db", 3});
  KilledRun killed(folder);
  killed.ledger().header().pid = self;
  killed.ledger().header().process_start_ticks = process_start_ticks(self).value();
  killed.leave();
  EXPECT_TRUE(recover_unfinished_runs(folder.path()).empty());
  EXPECT_TRUE(fs::exists(supervised));
  EXPECT_TRUE(fs::exists(killed.run()));
}

TEST(Recovery, LeavesARunWhoseLockIsHeldWhateverItsPidsSay) {
  const TemporaryFolder folder;
  KilledRun killed(folder);
  killed.leave();
  RunLock elsewhere;  // by a collector that another container's pids belong to
  ASSERT_EQ(elsewhere.take(run_info_path(killed.run())), RunLock::Found::kTaken);
  EXPECT_TRUE(recover_unfinished_runs(folder.path()).empty());
  EXPECT_TRUE(fs::exists(killed.run() + "/1.ledger"));
  elsewhere.release();
  EXPECT_EQ(recover_unfinished_runs(folder.path()).size(), 1U);
}

TEST(Recovery, TriesAgainWhatFailedForAWhile) {
  const TemporaryFolder folder;
  KilledRun killed(folder);
  killed.leave();
  {
    Database reader(killed.path(), Database::Access::kWrite);
    reader.execute("BEGIN IMMEDIATE");  // as a full disk: it can be read and not written
    const std::vector<Recovery> recoveries = recover_unfinished_runs(folder.path());
    ASSERT_EQ(recoveries.size(), 1U);
    EXPECT_NE(recoveries[0].failure, "");
    EXPECT_TRUE(fs::exists(killed.run() + "/1.ledger"));
  }
  const std::vector<Recovery> recoveries = recover_unfinished_runs(folder.path());
  ASSERT_EQ(recoveries.size(), 1U);
  EXPECT_EQ(recoveries[0].failure, "");
  EXPECT_EQ(Recording(killed.path()).requests().size(), 3U);
  EXPECT_FALSE(fs::exists(killed.run()));
}

TEST(Recovery, FindsARecordingThatLaterRunsHaveRotated) {
  const TemporaryFolder folder;
  KilledRun killed(folder);
  killed.leave();
  rotate_recordings(killed.path());
  Store::Beginning other = beginning();
  other.started_unix_ns += 1'000'000'000;
  Store::create(killed.path(), other)->close(kStartedNs, true);
  const std::vector<Recovery> recoveries = recover_unfinished_runs(folder.path());
  ASSERT_EQ(recoveries.size(), 1U);
  EXPECT_EQ(recoveries[0].failure, "");
  EXPECT_EQ(recoveries[0].recording, folder / "r.1.db");
  EXPECT_EQ(Recording(folder / "r.1.db").requests().size(), 3U);
  EXPECT_TRUE(Recording(folder / "r.db").requests().empty());
}

TEST(Recovery, SaysWhenTheRecordingIsGone) {
  const TemporaryFolder folder;
  KilledRun killed(folder);
  killed.leave();
  fs::remove(killed.path());
  fs::remove(killed.path() + "-wal");
  const std::vector<Recovery> recoveries = recover_unfinished_runs(folder.path());
  ASSERT_EQ(recoveries.size(), 1U);
  EXPECT_NE(recoveries[0].failure, "");
  EXPECT_FALSE(fs::exists(killed.run()));
}

TEST(Processes, AreTheSameOnlyWithTheSameStart) {
  const auto self = static_cast<std::uint64_t>(::getpid());
  const std::uint64_t ticks = process_start_ticks(self).value();
  EXPECT_TRUE(process_runs(self, ticks));
  EXPECT_FALSE(process_runs(self, ticks + 1));
  EXPECT_FALSE(process_runs(kNobody, 0));
  EXPECT_FALSE(process_runs(0, 0));
  EXPECT_FALSE(process_runs(std::uint64_t{1} << 40, 0));
  EXPECT_GT(resident_bytes(self).value_or(0), 1'000'000U);
}

}  // namespace
}  // namespace heapledger::recording
