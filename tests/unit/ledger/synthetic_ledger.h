// A ledger as a worker would have left it, built by hand: figures in tests are known by construction.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "ledger/layout.h"

namespace heapledger::testing {

class SyntheticLedger {
 public:
  SyntheticLedger() : ledger_(std::make_unique<ledger::Ledger>()) {
    std::memset(static_cast<void*>(ledger_.get()), 0, sizeof(ledger::Ledger));
    ledger::Header& header = ledger_->header;
    header.magic = ledger::kMagic;
    header.layout_version = ledger::kLayoutVersion;
    header.header_bytes = sizeof(ledger::Header);
    header.file_bytes = ledger::kLedgerBytes;
    header.pid = 999'999'999;  // above any pid_max: this process never ran
    header.parent_pid = 1;
    header.process_start_ticks = 1;
    header.started_unix_ns = 1'700'000'000'000'000'000;
    header.state.store(ledger::ProcessState::kLive);
    std::strcpy(header.python, "3.11.2");
    std::strcpy(header.rule, "pymalloc pools");
    std::strcpy(header.server, "uvicorn");
    header.endpoint_count.store(1);
    set_owner(ledger::kOwnerService, ledger::OwnerKind::kService, ledger::OwnerState::kOpen, 0, 0);
  }

  ledger::Ledger& raw() { return *ledger_; }
  ledger::Header& header() { return ledger_->header; }

  std::uint32_t add_text(std::string_view text) {
    const std::uint32_t at = header().string_bytes.load();
    std::memcpy(ledger_->strings + at, text.data(), text.size());
    header().string_bytes.store(at + static_cast<std::uint32_t>(text.size()));
    return at;
  }

  std::uint32_t add_endpoint(std::string_view method, std::string_view route, std::string_view version = "",
                             bool deprecated = false) {
    const std::uint32_t id = header().endpoint_count.load();
    ledger::EndpointRecord& record = ledger_->endpoints[id];
    record.method_offset = add_text(method);
    record.method_bytes = static_cast<std::uint16_t>(method.size());
    record.route_offset = add_text(route);
    record.route_bytes = static_cast<std::uint16_t>(route.size());
    record.version_offset = add_text(version);
    record.version_bytes = static_cast<std::uint16_t>(version.size());
    record.deprecated = deprecated ? 1 : 0;
    header().endpoint_count.store(id + 1);
    return id;
  }

  ledger::OwnerRecord& set_owner(std::uint32_t id, ledger::OwnerKind kind, ledger::OwnerState state,
                                 std::uint64_t allocated_bytes, std::int64_t live_bytes) {
    ledger::OwnerRecord& record = ledger_->owners[id];
    record.generation = 2;
    record.kind = kind;
    record.state = state;
    ledger::HotBank& hot = ledger_->hot[id];
    hot.threshold = live_bytes + 1000;
    hot.room = 1000;
    hot.min_room = 1000;
    hot.width = 2000;
    hot.allocated_bytes = allocated_bytes;
    if (header().owner_high_water.load() <= id) header().owner_high_water.store(id + 1);
    return record;
  }

  // Reserves the next ring slot and fills it in; the caller may change the row before commit().
  ledger::RingRecord& reserve(std::uint64_t sequence, std::uint32_t endpoint) {
    const std::uint64_t index = header().ring_head.fetch_add(1);
    ledger::RingRecord& record = ledger_->ring[index % ledger::kRingRecords];
    std::memset(static_cast<void*>(&record), 0, sizeof record);
    record.kind = ledger::RecordKind::kRequest;
    record.endpoint = endpoint;
    record.sequence = sequence;
    record.started_unix_ns = header().started_unix_ns + sequence * 1'000'000;
    record.duration_ns = 2'000'000;
    record.status = 200;
    record.allocated_bytes = 1000 + sequence;
    record.allocations = 10;
    record.peak_bytes = 500;
    record.isolated_bytes = 900 + sequence;
    record.escaped_bytes = 100;
    record.byte_seconds = 0.5;
    return record;
  }

  void commit(ledger::RingRecord& record) {
    const auto slot = static_cast<std::uint64_t>(&record - ledger_->ring);
    std::uint64_t index = header().ring_head.load() - 1;
    while (index % ledger::kRingRecords != slot) --index;
    record.commit.store(index + 1);
    header().finished_requests.fetch_add(1);
  }

  void add_request(std::uint64_t sequence, std::uint32_t endpoint) { commit(reserve(sequence, endpoint)); }

  // Brings one owner's books in a file that write_to() has written up to date, under whoever has it mapped.
  void rewrite_owner(const std::string& path, std::uint32_t id) const {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    const auto at = reinterpret_cast<const char*>(&ledger_->hot[id]) - reinterpret_cast<const char*>(ledger_.get());
    static_cast<void>(!::pwrite(fd, &ledger_->hot[id], sizeof ledger_->hot[id], at));
    ::close(fd);
  }

  // As a worker's file. The mapping of a view opened on it is the file's own, later changes here do not reach it.
  void write_to(const std::string& path) const {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const auto* bytes = reinterpret_cast<const char*>(ledger_.get());
    for (std::size_t at = 0; at < sizeof(ledger::Ledger);) {
      const ssize_t count = ::write(fd, bytes + at, sizeof(ledger::Ledger) - at);
      if (count <= 0) break;
      at += static_cast<std::size_t>(count);
    }
    ::close(fd);
  }

 private:
  std::unique_ptr<ledger::Ledger> ledger_;
};

}  // namespace heapledger::testing
