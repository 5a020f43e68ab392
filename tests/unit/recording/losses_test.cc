// What a collector cannot read is counted: workers without a ledger, a run folder that is gone, a ledger cut short.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "../ledger/synthetic_ledger.h"
#include "../ledger/temporary_folder.h"
#include "recording/collector.h"
#include "recording/process_table.h"
#include "recording/recorded_run.h"
#include "recordings_for_tests.h"

namespace heapledger::recording {
namespace {

using heapledger::testing::SyntheticLedger;
using heapledger::testing::TemporaryFolder;

class Losses : public ::testing::Test {
 protected:
  Losses() {
    RunOptions options;
    options.run_dir = folder_ / "runs";
    options.output = path();
    run_ = std::make_unique<RecordedRun>(options);
  }

  std::string path() const { return folder_ / "r.db"; }
  std::string in_run(const std::string& name) const { return run_->folder() + "/" + name; }
  // A worker that runs, with so many requests.
  void start_worker(const std::string& name, std::uint64_t requests) const {
    SyntheticLedger synthetic;
    synthetic.header().pid = static_cast<std::uint64_t>(::getpid());
    synthetic.header().process_start_ticks = process_start_ticks(synthetic.header().pid).value();
    const std::uint32_t orders = synthetic.add_endpoint("GET", "/orders");
    for (std::uint64_t sequence = 1; sequence <= requests; ++sequence) synthetic.add_request(sequence, orders);
    synthetic.write_to(in_run(name));
  }
  Recording closed() {
    summary_ = run_->close();
    return Recording(path());
  }

  TemporaryFolder folder_;
  std::unique_ptr<RecordedRun> run_;
  CollectorSummary summary_;
};

TEST_F(Losses, NothingIsLostInAPlainRun) {
  start_worker("1-1.ledger", 3);
  const MetaRow meta = closed().read_meta();
  EXPECT_TRUE(meta.complete);
  EXPECT_EQ(meta.workers_without_ledger, 0);
  EXPECT_FALSE(meta.run_folder_lost);
}

TEST_F(Losses, WorkersWithoutALedgerAreCountedOnce) {
  start_worker("1-1.ledger", 3);
  run_->collector().drain_once();
  put_bytes(in_run("2-1.ledgerless"), "");
  put_bytes(in_run("3-1.ledgerless"), "");
  run_->collector().drain_once();
  EXPECT_EQ(Recording(path()).read_meta().workers_without_ledger, 2);
  put_bytes(in_run("2-9.ledgerless"), "");  // the same pid again, another process
  run_->collector().drain_once();
  const Recording recording = closed();
  EXPECT_EQ(recording.read_meta().workers_without_ledger, 3);
  EXPECT_FALSE(recording.read_meta().complete);
  EXPECT_EQ(recording.requests().size(), 3U);
  EXPECT_EQ(summary_.workers_without_ledger, 3U);
  EXPECT_FALSE(std::filesystem::exists(run_->folder()));
}

TEST_F(Losses, ARunFolderThatIsGoneIsSaidWhileItsWorkersAreStillRead) {
  start_worker("1-1.ledger", 3);
  run_->collector().drain_once();
  std::filesystem::remove_all(run_->folder());
  run_->collector().drain_once();
  EXPECT_TRUE(Recording(path()).read_meta().run_folder_lost);
  const Recording recording = closed();
  EXPECT_FALSE(recording.read_meta().complete);
  EXPECT_EQ(recording.read_meta().workers_without_ledger, 0);
  EXPECT_EQ(recording.requests().size(), 3U);
  EXPECT_EQ(recording.workers().size(), 1U);
}

TEST_F(Losses, ALedgerThatIsCutShortIsGivenUpAndTheOthersGoOn) {
  for (const std::uint64_t left : {std::uint64_t{0}, std::uint64_t{1'000'000}}) {
    const std::string name = std::to_string(left) + "-1.ledger";
    start_worker(name, 2);
    run_->collector().drain_once();
    std::filesystem::resize_file(in_run(name), left);
    start_worker(std::to_string(left) + "-2.ledger", 5);
    run_->collector().drain_once();
    EXPECT_EQ(run_->collector().summary().failure, "");
  }
  const Recording recording = closed();
  EXPECT_EQ(recording.requests().size(), 14U);
  EXPECT_EQ(summary_.requests, 14U);
  EXPECT_EQ(summary_.unreadable_ledgers, 2U);
  EXPECT_EQ(recording.notes().size(), 2U);
  EXPECT_FALSE(recording.read_meta().complete);
}

}  // namespace
}  // namespace heapledger::recording
