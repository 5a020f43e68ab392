// Collector: from ledgers in a run folder to rows, also when workers or collectors die, or the store fails.
#include "recording/collector.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "../ledger/synthetic_ledger.h"
#include "../ledger/temporary_folder.h"
#include "recording/process_table.h"
#include "recording/run_folder.h"
#include "recordings_for_tests.h"

namespace heapledger::recording {
namespace {

using heapledger::testing::SyntheticLedger;
using heapledger::testing::TemporaryFolder;

class CollectorTest : public ::testing::Test {
 protected:
  CollectorTest() : run_folder_(create_run_folder(folder_.path())), store_(Store::create(path(), beginning())) {}

  std::string path() const { return folder_ / "r.db"; }
  std::string in_run(const std::string& name) const { return run_folder_ + "/" + name; }
  CollectorOptions options() const {
    CollectorOptions options;
    options.run_folder = run_folder_;
    return options;
  }
  Recording closed(bool complete = true) {
    store_->close(kStartedNs + 1'000'000'000, complete);
    store_.reset();
    return Recording(path());
  }

  TemporaryFolder folder_;
  std::string run_folder_;
  std::unique_ptr<Store> store_;
};

void run_as_this_process(SyntheticLedger& synthetic) {
  synthetic.header().pid = static_cast<std::uint64_t>(::getpid());
  synthetic.header().process_start_ticks = process_start_ticks(synthetic.header().pid).value();
}

TEST_F(CollectorTest, StoresADeadWorkersRequestsBooksAndEndingAndRemovesItsLedger) {
  SyntheticLedger synthetic;
  const std::uint32_t orders = synthetic.add_endpoint("GET", "/orders/{id}", "1", true);
  synthetic.add_request(1, orders);
  synthetic.add_request(2, orders);
  synthetic.set_owner(1, ledger::OwnerKind::kService, ledger::OwnerState::kOpen, 1000, 400);
  ledger::OwnerRecord& open = synthetic.set_owner(2, ledger::OwnerKind::kRequest, ledger::OwnerState::kOpen, 90, 70);
  open.endpoint = orders;
  open.sequence = 3;
  synthetic.header().retired_allocated_bytes = 500;
  synthetic.header().dropped_requests.store(2);
  synthetic.write_to(in_run("1.ledger"));

  Collector collector(*store_, options());
  collector.drain_once();
  EXPECT_FALSE(collector.failed()) << collector.summary().failure;
  EXPECT_FALSE(std::filesystem::exists(in_run("1.ledger")));
  EXPECT_EQ(collector.summary().requests, 2U);
  EXPECT_EQ(collector.summary().dropped_requests, 2U);

  const Recording recording = closed();
  const WorkerRow worker = recording.workers().at(0);
  EXPECT_EQ(worker.ending, WorkerEnding::kDied);
  EXPECT_TRUE(worker.ended_us);
  EXPECT_EQ(worker.allocated_bytes, 1590);
  EXPECT_EQ(worker.live_bytes, 470);
  EXPECT_EQ(worker.freed_bytes, 1120);
  EXPECT_EQ(worker.unattributed_bytes, 1000);
  EXPECT_EQ(worker.dropped_requests, 2);
  EXPECT_EQ(recording.read_meta().dropped_requests, 2);
  std::int64_t allocated = 0;
  for (const OwnerTotalRow& total : recording.owner_totals()) {
    EXPECT_EQ(total.allocated_bytes - total.freed_bytes, total.live_bytes);
    allocated += total.allocated_bytes;
  }
  EXPECT_EQ(allocated, worker.allocated_bytes);
  ASSERT_EQ(recording.in_flight().size(), 1U);
  EXPECT_EQ(recording.in_flight()[0].sequence, 3);
  EXPECT_EQ(recording.in_flight()[0].live_bytes, 70);
  const std::vector<RequestRow> requests = recording.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[1].allocated_bytes, 1002);
  EXPECT_FALSE(requests[1].native_allocated_bytes);
  EXPECT_EQ(recording.endpoints().at(0).route, "/orders/{id}");
}

TEST_F(CollectorTest, KeepsTheLedgerOfALivingWorkerAndFinishesItOnlyAtTheEnd) {
  SyntheticLedger synthetic;
  run_as_this_process(synthetic);
  synthetic.add_request(1, synthetic.add_endpoint("GET", "/"));
  synthetic.write_to(in_run("1.ledger"));
  Collector collector(*store_, options());
  collector.drain_once();
  EXPECT_TRUE(collector.workers_run());
  EXPECT_TRUE(std::filesystem::exists(in_run("1.ledger")));
  EXPECT_EQ(Recording(path()).requests().size(), 1U);
  collector.finish();
  const Recording recording = closed();
  EXPECT_EQ(recording.workers().at(0).ending, WorkerEnding::kRunning);
  EXPECT_FALSE(recording.workers().at(0).ended_us);
  EXPECT_GE(recording.timeline().size(), 1U);
  EXPECT_GT(recording.timeline().at(0).rss_bytes.value_or(0), 0);
}

TEST_F(CollectorTest, AFrozenWorkerEndedInOrderWithItsAudit) {
  SyntheticLedger synthetic;
  run_as_this_process(synthetic);  // frozen, but its process has not gone yet
  synthetic.header().state.store(ledger::ProcessState::kFrozen);
  synthetic.header().frozen_unix_ns = kStartedNs + 3'000'000;
  synthetic.header().audited = 1;
  synthetic.header().audited_live_bytes = 5;
  synthetic.write_to(in_run("1.ledger"));
  Collector collector(*store_, options());
  collector.finish();
  const WorkerRow worker = closed().workers().at(0);
  EXPECT_EQ(worker.ending, WorkerEnding::kFrozen);
  EXPECT_EQ(worker.ended_us, 3000);
  EXPECT_EQ(worker.audited_live_bytes, 5);
  EXPECT_EQ(worker.audited_owner_mismatches, 0);
}

TEST_F(CollectorTest, EndpointsAndContentTypesOfTwoWorkersAreTheSame) {
  for (const char* name : {"1.ledger", "2.ledger"}) {
    SyntheticLedger synthetic;
    synthetic.header().pid += static_cast<std::uint64_t>(name[0]);
    if (name[0] == '2') synthetic.add_endpoint("POST", "/elsewhere");
    ledger::RingRecord& record = synthetic.reserve(1, synthetic.add_endpoint("GET", "/orders"));
    record.response_type_offset = synthetic.add_text("text/csv");
    record.response_type_bytes = 8;
    synthetic.commit(record);
    synthetic.write_to(in_run(name));
  }
  Collector collector(*store_, options());
  collector.finish();
  const Recording recording = closed();
  const std::vector<RequestRow> requests = recording.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].endpoint, requests[1].endpoint);
  EXPECT_EQ(requests[0].response_type, requests[1].response_type);
  EXPECT_EQ(recording.content_types().size(), 1U);
}

TEST_F(CollectorTest, AProcessThatReplacedItsProgramIsTwoWorkers) {
  SyntheticLedger before;
  run_as_this_process(before);
  before.write_to(in_run("1.ledger"));
  Collector collector(*store_, options());
  collector.drain_once();
  SyntheticLedger after;
  run_as_this_process(after);
  after.header().started_unix_ns += 1'000'000;
  after.write_to(in_run("2.ledger"));
  collector.drain_once();
  collector.finish();
  const std::vector<WorkerRow> workers = closed().workers();
  ASSERT_EQ(workers.size(), 2U);
  EXPECT_EQ(workers[0].ending, WorkerEnding::kStopped);
  EXPECT_FALSE(workers[0].end_signal);
  EXPECT_EQ(workers[1].ending, WorkerEnding::kRunning);
}

TEST_F(CollectorTest, CountsTornRecordsOfADeadWorkerAsDropped) {
  SyntheticLedger synthetic;
  synthetic.add_request(1, 0);
  synthetic.reserve(2, 0);
  synthetic.add_request(3, 0);
  synthetic.write_to(in_run("1.ledger"));
  Collector collector(*store_, options());
  collector.finish();
  EXPECT_EQ(collector.summary().requests, 2U);
  EXPECT_EQ(collector.summary().dropped_requests, 1U);
  EXPECT_EQ(closed().read_meta().dropped_requests, 1);
}

TEST_F(CollectorTest, ARespondedRequestOfAKilledWorkerIsOneRowEvenIfItsRecordWasWritten) {
  SyntheticLedger synthetic;
  const std::uint32_t orders = synthetic.add_endpoint("GET", "/orders");
  synthetic.add_request(1, orders);
  for (const std::uint32_t id : {2U, 3U}) {
    ledger::OwnerRecord& owner =
        synthetic.set_owner(id, ledger::OwnerKind::kRequest, ledger::OwnerState::kResponded, 10, 0);
    owner.sequence = id - 1;  // 1 is in the ring already, 2 is not
    owner.endpoint = orders;
  }
  synthetic.write_to(in_run("1.ledger"));
  Collector collector(*store_, options());
  collector.finish();
  const std::vector<RequestRow> requests = closed().requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[1].sequence, 2);
}

TEST_F(CollectorTest, NotesOfPythonsThatTookNoPartAreKeptOnce) {
  for (const char* name : {"1.refused", "2.refused"}) {
    put_bytes(in_run(name), R"({"executable": "/usr/bin/python3.9", "python": "3.9.2", "reason": "too old"})");
  }
  put_bytes(in_run("3.refused"), "{\"execu");
  Collector collector(*store_, options());
  collector.drain_once();
  EXPECT_EQ(collector.summary().notes.size(), 1U);
  collector.finish();
  EXPECT_EQ(collector.summary().notes.size(), 2U);
  const Recording recording = closed();
  ASSERT_EQ(recording.notes().size(), 2U);
  EXPECT_EQ(recording.notes()[0].executable, "/usr/bin/python3.9");
  EXPECT_EQ(recording.notes()[1].reason, "left a note that cannot be read");
}

TEST_F(CollectorTest, ALedgerThatIsNotReadyIsReadLaterAndABrokenOneIsCounted) {
  put_bytes(in_run("1.ledger"), "short");
  Collector collector(*store_, options());
  collector.drain_once();
  SyntheticLedger synthetic;
  synthetic.add_request(1, 0);
  synthetic.write_to(in_run("1.ledger"));
  put_bytes(in_run("2.ledger"), "broken for good");
  collector.drain_once();
  EXPECT_EQ(collector.summary().requests, 1U);
  collector.finish();
  EXPECT_EQ(collector.summary().unreadable_ledgers, 1U);
  EXPECT_NE(closed().notes().at(0).reason.find("2.ledger"), std::string::npos);
}

TEST_F(CollectorTest, ARequestWithoutAKnownEndpointIsUnmatched) {
  SyntheticLedger synthetic;
  synthetic.add_request(1, 77);
  synthetic.write_to(in_run("1.ledger"));
  Collector collector(*store_, options());
  collector.finish();
  const Recording recording = closed();
  EXPECT_EQ(recording.endpoints().at(0).route, "<unmatched>");
  EXPECT_EQ(recording.requests().at(0).endpoint, recording.endpoints().at(0).id);
}

TEST_F(CollectorTest, WhatAFullDiskKeptOutIsCountedAndWhatWasWrittenStays) {
  SyntheticLedger first;
  run_as_this_process(first);
  first.add_request(1, first.add_endpoint("GET", "/orders"));
  first.write_to(in_run("1.ledger"));
  Collector collector(*store_, options());
  collector.drain_once();

  SyntheticLedger second;
  const std::uint32_t endpoint = second.add_endpoint("GET", "/orders");
  for (std::uint64_t sequence = 1; sequence <= 4000; ++sequence) second.add_request(sequence, endpoint);
  second.write_to(in_run("2.ledger"));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{std::filesystem::file_size(path() + "-wal") + 8192, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  collector.drain_once();
  collector.drain_once();
  ::setrlimit(RLIMIT_FSIZE, &before);

  EXPECT_TRUE(collector.failed());
  EXPECT_EQ(collector.summary().failure.find('\n'), std::string::npos);
  EXPECT_EQ(collector.summary().unrecorded_requests, 4000U);
  const Recording recording = closed(false);
  EXPECT_EQ(recording.requests().size(), 1U);
  EXPECT_FALSE(recording.read_meta().complete);
}

TEST_F(CollectorTest, KeepsTheRecordingWithinItsSizeAndEveryRequestCounted) {
  constexpr std::uint64_t kWorkers = 60;
  CollectorOptions small = options();
  small.max_bytes = std::int64_t{4} << 20;
  Collector collector(*store_, small);
  for (std::uint64_t worker = 0; worker < kWorkers; ++worker) {
    SyntheticLedger synthetic;
    synthetic.header().pid -= worker;
    const std::uint32_t orders = synthetic.add_endpoint("GET", "/orders");
    for (std::uint64_t sequence = 1; sequence <= ledger::kRingRecords; ++sequence) {
      synthetic.add_request(sequence, orders);
    }
    synthetic.write_to(in_run(std::to_string(worker) + ".ledger"));
    collector.finish();
  }
  for (int i = 0; i < 20; ++i) collector.drain_once();
  EXPECT_EQ(collector.summary().failure, "");
  EXPECT_LE(store_->used_bytes(), small.max_bytes);
  const Recording recording = closed();
  std::uint64_t requests = recording.requests().size();
  EXPECT_GT(requests, 0U);
  for (const SliceRow& slice : recording.slices()) requests += static_cast<std::uint64_t>(slice.requests);
  EXPECT_EQ(requests, kWorkers * ledger::kRingRecords);
  EXPECT_TRUE(recording.read_meta().single_requests_since_us);
}

TEST_F(CollectorTest, PhasesEncodingsAndBodyLimitsBecomeColumnsAndRows) {
  SyntheticLedger synthetic;
  const std::uint32_t upload = synthetic.add_endpoint("POST", "/upload");
  ledger::RingRecord& seen = synthetic.reserve(1, upload);
  seen.flags = ledger::kRequestPhases;
  for (std::uint64_t i = 0; i < ledger::kPhases; ++i) {
    seen.phases[i] = ledger::PackedPhase::of({10 * i, 100 * i, 1000 * i});
  }
  seen.response_encoding = ledger::Encoding::kBrotli;
  synthetic.commit(seen);
  synthetic.add_request(2, upload);  // of which nothing was marked
  const std::uint32_t name = synthetic.add_text("Flask MAX_CONTENT_LENGTH");
  synthetic.header().body_limits[0] = {0, name, 24, 0, 2'000'000};
  synthetic.header().body_limits[1] = {upload, name, 24, 0, ledger::kNoBodyLimit};
  synthetic.header().body_limits[2] = {999, name, 24, 0, 1};
  synthetic.header().body_limit_count.store(3);
  synthetic.write_to(in_run("1.ledger"));
  Collector collector(*store_, options());
  collector.finish();

  const Recording recording = closed();
  const std::vector<PayloadRow> payloads = recording.payloads();
  ASSERT_EQ(payloads.size(), 2U);
  EXPECT_EQ(payloads[0].read_allocated_bytes, 0);
  EXPECT_EQ(payloads[0].deserialize_allocated_bytes, 10);
  EXPECT_EQ(payloads[0].handle_peak_bytes, 200);
  EXPECT_EQ(payloads[0].serialize_us, 3000);
  EXPECT_EQ(payloads[0].send_peak_bytes, 400);
  EXPECT_FALSE(payloads[0].request_encoding);
  ASSERT_EQ(recording.content_encodings().size(), 1U);
  EXPECT_EQ(payloads[0].response_encoding, recording.content_encodings()[0].id);
  EXPECT_EQ(recording.content_encodings()[0].name, "br");
  EXPECT_FALSE(payloads[1].read_allocated_bytes);
  EXPECT_FALSE(payloads[1].send_us);
  EXPECT_EQ(recording.requests()[1].allocated_bytes, 1002);

  const std::vector<BodyLimitRow> limits = recording.body_limits();
  ASSERT_EQ(limits.size(), 2U);
  EXPECT_FALSE(limits[0].endpoint);
  EXPECT_EQ(limits[0].setting, "Flask MAX_CONTENT_LENGTH");
  EXPECT_EQ(limits[0].limit_bytes, 2'000'000);
  EXPECT_EQ(limits[1].endpoint, recording.endpoints().at(0).id);
  EXPECT_FALSE(limits[1].limit_bytes);
}

TEST_F(CollectorTest, ArbitraryLedgersBecomeReadableRecordings) {
  std::uint64_t state = 88172645463325252ULL;
  for (int ledger = 0; ledger < 4; ++ledger) {
    SyntheticLedger synthetic;
    auto* words = reinterpret_cast<std::uint64_t*>(&synthetic.raw());
    for (std::size_t i = 512; i < sizeof(ledger::Ledger) / sizeof(std::uint64_t); ++i) {
      state ^= state << 13U;
      state ^= state >> 7U;
      state ^= state << 17U;
      words[i] = state;
    }
    synthetic.header().pid += static_cast<std::uint64_t>(ledger);
    synthetic.header().owner_high_water.store(0xFFFFFFFF);
    synthetic.header().endpoint_count.store(0xFFFFFFFF);
    for (std::uint64_t index = 0; index < 100; ++index) {
      ledger::RingRecord& record = synthetic.raw().ring[index];
      record.commit.store(index + 1);
      record.kind = ledger::RecordKind::kRequest;
    }
    synthetic.header().ring_head.store(100);
    synthetic.write_to(in_run(std::to_string(ledger) + ".ledger"));
  }
  Collector collector(*store_, options());
  collector.finish();
  EXPECT_EQ(collector.summary().failure, "");
  EXPECT_EQ(collector.summary().requests, 400U);
  const Recording recording = closed();
  EXPECT_EQ(read_everything(recording), 400U);
}

}  // namespace
}  // namespace heapledger::recording
