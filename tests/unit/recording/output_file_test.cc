// A recording's file from its first moment on: killed at any time it can be replaced, and while it is written it is
// not.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "../ledger/temporary_folder.h"
#include "recording/rotation.h"
#include "recording/sqlite.h"
#include "recordings_for_tests.h"

namespace heapledger::recording {
namespace {

namespace fs = std::filesystem;
using heapledger::testing::TemporaryFolder;

std::size_t files_in(const TemporaryFolder& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()));
}

// Creates the recording in a process of its own, which is killed after this time.
void create_and_be_killed(const std::string& path, useconds_t after_us) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    try {
      const auto store = Store::create(path, beginning());
      for (;;) ::pause();
    } catch (...) {
      ::_exit(1);
    }
  }
  ::usleep(after_us);
  ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(OutputFile, KilledAtAnyMomentItCanBeReplaced) {
  const TemporaryFolder folder;
  const std::string path = folder / "r.db";
  std::size_t born = 0;
  for (useconds_t after_us = 0; after_us < 20'000; after_us += 600) {
    create_and_be_killed(path, after_us);
    if (fs::exists(path)) {
      ++born;
      EXPECT_THROW(claim_output(path, false), RecordingError);
    }
    claim_output(path, true);
    Store::create(path, beginning())->close(kStartedNs, true);
    EXPECT_TRUE(Recording(path).read_meta().complete);
    EXPECT_EQ(files_in(folder), 1U) << "killed after " << after_us << " us";
    claim_output(path, true);
  }
  EXPECT_GT(born, 0U);
}

TEST(OutputFile, KilledAtAnyMomentItCanBeRotated) {
  const TemporaryFolder folder;
  const std::string path = folder / "heapledger.db";
  for (useconds_t after_us = 0; after_us < 20'000; after_us += 1000) {
    rotate_recordings(path);
    create_and_be_killed(path, after_us);
    rotate_recordings(path);
    Store::create(path, beginning())->close(kStartedNs, true);
    EXPECT_TRUE(Recording(path).read_meta().complete);
  }
}

TEST(OutputFile, LeftoversOfTheSameNameAreNotTakenForItsOwn) {
  const TemporaryFolder folder;
  const std::string path = folder / "r.db";
  {
    const auto other = Store::create(folder / "other.db", beginning());
    other->begin();
    other->add_worker(a_worker());
    other->commit();
    fs::copy_file(folder / "other.db-wal", path + "-wal");
  }
  fs::remove(folder / "other.db");
  put_bytes(path + ".heapledger-new", "half a page");
  put_bytes(path + ".heapledger-new-journal", "half a journal");
  Store::create(path, beginning())->close(kStartedNs, true);
  EXPECT_TRUE(Recording(path).workers().empty());
  EXPECT_EQ(files_in(folder), 1U);
}

TEST(OutputFile, ItDoesNotTakeANameThatSomethingHas) {
  const TemporaryFolder folder;
  put_bytes(folder / "r.db", "thesis");
  EXPECT_THROW(Store::create(folder / "r.db", beginning()), RecordingError);
  EXPECT_EQ(bytes_of(folder / "r.db"), "thesis");
  EXPECT_EQ(files_in(folder), 1U);
}

// A recording that was made in place: its file has one empty page, what it is to be stands in the log beside it.
void make_in_place(const std::string& path, const char* sql) {
  const TemporaryFolder folder;
  put_bytes(folder / "living.db", "");
  Database living(folder / "living.db", Database::Access::kWrite);
  living.execute("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL");
  living.execute(sql);
  fs::copy_file(folder / "living.db", path);
  fs::copy_file(folder / "living.db-wal", path + "-wal");
  ASSERT_EQ(fs::file_size(path), 4096U);
}

TEST(OutputFile, OneThatWasKilledInItsFirstTransactionIsReplaced) {
  const TemporaryFolder folder;
  const std::string path = folder / "r.db";
  const std::string begun =
      std::string("BEGIN IMMEDIATE; PRAGMA application_id = 0x484C4752; CREATE TABLE meta (key);");
  for (const std::string& sql : {begun, begun + "COMMIT;"}) {
    make_in_place(path, sql.c_str());
    EXPECT_THROW(claim_output(path, false), RecordingError);
    claim_output(path, true);
    EXPECT_EQ(files_in(folder), 0U);
  }
}

TEST(OutputFile, SomebodyElsesYoungDatabaseIsNot) {
  const TemporaryFolder folder;
  const std::string path = folder / "r.db";
  make_in_place(path, "CREATE TABLE thesis (chapter TEXT)");
  EXPECT_THROW(claim_output(path, true), RecordingError);
  Database theirs(path, Database::Access::kWrite);
  EXPECT_EQ(theirs.query_integer("SELECT count(*) FROM thesis"), 0);
}

TEST(OutputFile, AnEmptyPageIsReplacedOnlyWhereItsJournalSaysThatNothingWasThere) {
  const TemporaryFolder folder;
  const std::string path = folder / "r.db";
  put_bytes(path, "");
  Database(path, Database::Access::kWrite).execute("PRAGMA page_size = 4096; PRAGMA user_version = 1");
  ASSERT_EQ(fs::file_size(path), 4096U);
  EXPECT_THROW(claim_output(path, true), RecordingError);
  std::string journal("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7\0\0\0\1\0\0\0\7\0\0\0\2\0\0\2\0\0\0\x10\0", 28);
  put_bytes(path + "-journal", journal);
  EXPECT_THROW(claim_output(path, true), RecordingError);
  journal[19] = 0;  // pages before
  put_bytes(path + "-journal", journal);
  claim_output(path, true);
  EXPECT_EQ(files_in(folder), 0U);
}

TEST(OutputFile, AReaderOfAFinishedOneDoesNotKeepItFromBeingReplaced) {
  const TemporaryFolder folder;
  write_recording(folder / "r.db", 3);
  const Recording reader(folder / "r.db");
  claim_output(folder / "r.db", true);
  write_recording(folder / "r.db", 1);
  EXPECT_EQ(reader.requests().size(), 3U);
}

TEST(OutputFile, AWriterIsWaitedForAndNotForEver) {
  const TemporaryFolder folder;
  const std::string path = folder / "r.db";
  auto store = Store::create(path, beginning());
  await_writers(path, 0);
  EXPECT_THROW(claim_output(path, true), RecordingInUse);
  std::thread predecessor([&store] {
    ::usleep(300'000);
    store->close(kStartedNs, true);
  });
  await_writers(path, 60'000);
  claim_output(path, true);
  predecessor.join();
  EXPECT_EQ(files_in(folder), 0U);
}

// What another process finds when it wants to replace `path` at the moment when this one says so.
class OtherProcess {
 public:
  explicit OtherProcess(const std::string& path) {
    EXPECT_EQ(::pipe(ends_), 0);
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::close(ends_[1]);
    char byte = 0;
    [[maybe_unused]] const ssize_t count = ::read(ends_[0], &byte, 1);
    int found = 0;
    try {
      claim_output(path, true);
    } catch (const RecordingInUse&) {
      found = 1;
    } catch (...) {
      found = 2;
    }
    ::_exit(found);
  }
  bool finds_it_in_use() const {
    ::close(ends_[0]);
    ::close(ends_[1]);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
  }

 private:
  int ends_[2] = {-1, -1};
  pid_t pid_ = -1;
};

TEST(OutputFile, ReadingItInTheProcessThatWritesItDoesNotGiveItUp) {
  const TemporaryFolder folder;
  const std::string path = folder / "r.db";
  const OtherProcess other(path);
  const auto store = Store::create(path, beginning());
  EXPECT_EQ(Recording(path).workers().size(), 0U);
  EXPECT_TRUE(other.finds_it_in_use());
  store->begin();
  store->add_worker(a_worker());
  store->commit();
  EXPECT_EQ(Recording(path).workers().size(), 1U);
}

TEST(OutputFile, AUsersFileOfANameBesideOthersIsPassedOver) {
  const TemporaryFolder folder;
  const auto first = Store::create(folder / "r.db", beginning());
  put_bytes(folder / "r-2.db", "thesis");
  EXPECT_EQ(name_beside_others(folder / "r.db"), folder / "r-3.db");
}

}  // namespace
}  // namespace heapledger::recording
