// LiveRecorder: a recording from inside the service, by a thread that leaves the service's signals alone.
#include "recording/live_recorder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "../ledger/synthetic_ledger.h"
#include "../ledger/temporary_folder.h"
#include "recording/process_table.h"
#include "recording/run_folder.h"
#include "recordings_for_tests.h"

namespace heapledger::recording {
namespace {

using heapledger::testing::SyntheticLedger;
using heapledger::testing::TemporaryFolder;

std::set<std::string> threads() {
  std::set<std::string> ids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) ids.insert(entry.path());
  return ids;
}

std::string blocked_signals(const std::string& task) {
  std::ifstream status(task + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigBlk:")) return line.substr(line.find_last_of(" \t") + 1);
  }
  return {};
}

RunOptions options_in(const TemporaryFolder& folder) {
  RunOptions options;
  options.run_dir = folder / "runs";
  options.output = folder / "r.db";
  options.beside_others = true;
  return options;
}

TEST(LiveRecorder, StoresOnFlushAndEndsAsOnePlainFile) {
  const TemporaryFolder folder;
  LiveRecorder recorder(options_in(folder));
  const std::string run = recorder.folder();
  SyntheticLedger synthetic;
  synthetic.add_request(1, 0);
  synthetic.write_to(run + "/1.ledger");
  EXPECT_EQ(recorder.flush(), folder / "r.db");
  EXPECT_EQ(Recording(folder / "r.db").requests().size(), 1U);
  recorder.stop();
  EXPECT_FALSE(std::filesystem::exists(folder / "r.db-wal"));
  EXPECT_TRUE(Recording(folder / "r.db").read_meta().complete);
  EXPECT_FALSE(std::filesystem::exists(run));
}

TEST(LiveRecorder, BringsTheBooksUpToDateOnFlush) {
  const TemporaryFolder folder;
  LiveRecorder recorder(options_in(folder));
  const std::string ledger = recorder.folder() + "/1.ledger";
  SyntheticLedger synthetic;
  synthetic.header().pid = static_cast<std::uint64_t>(::getpid());
  synthetic.header().process_start_ticks = process_start_ticks(synthetic.header().pid).value();
  synthetic.set_owner(1, ledger::OwnerKind::kService, ledger::OwnerState::kOpen, 1000, 400);
  synthetic.write_to(ledger);
  recorder.flush();
  const WorkerRow before = Recording(folder / "r.db").workers().at(0);
  EXPECT_EQ(before.live_bytes, 400);
  synthetic.set_owner(1, ledger::OwnerKind::kService, ledger::OwnerState::kOpen, 2000, 900);
  synthetic.rewrite_owner(ledger, 1);
  recorder.flush();
  const Recording recording(folder / "r.db");
  const WorkerRow after = recording.workers().at(0);
  EXPECT_EQ(after.live_bytes, 900);
  EXPECT_EQ(recording.owner_totals().at(0).allocated_bytes, 2000);
  EXPECT_GT(after.books_us.value(), before.books_us.value());
}

TEST(LiveRecorder, NothingStaysOfOneThatIsAbandoned) {
  const TemporaryFolder folder;
  LiveRecorder recorder(options_in(folder));
  EXPECT_TRUE(std::filesystem::exists(folder / "r.db-wal"));
  recorder.abandon();
  EXPECT_FALSE(std::filesystem::exists(folder / "r.db"));
  EXPECT_FALSE(std::filesystem::exists(folder / "r.db-wal"));
  EXPECT_FALSE(std::filesystem::exists(recorder.folder()));
}

TEST(LiveRecorder, ItsThreadTakesNoSignalOfTheService) {
  const TemporaryFolder folder;
  const std::set<std::string> before = threads();
  LiveRecorder recorder(options_in(folder));
  std::size_t ours = 0;
  for (const std::string& task : threads()) {
    if (before.contains(task)) continue;
    ++ours;
    const unsigned long long mask = std::stoull(blocked_signals(task), nullptr, 16);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGCHLD, SIGUSR1, SIGPROF}) {
      EXPECT_NE(mask & (1ULL << (signal - 1)), 0U) << signal;
    }
  }
  EXPECT_EQ(ours, 1U);
}

}  // namespace
}  // namespace heapledger::recording
