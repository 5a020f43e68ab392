#include "engine/fork.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/addresses.h"
#include "engine/audit.h"
#include "engine/marks.h"
#include "engine/owners.h"
#include "engine/switch.h"
#include "ledger/ledger_file.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// A field of /proc/self/stat; read with plain system calls, the heap may be in any state after fork.
std::uint64_t own_stat_field(int wanted) noexcept {
  FileText text;
  if (!read_small_file("/proc/self/stat", text)) return 0;
  const char* at = strrchr(text.bytes, ')');  // the command's name may hold anything
  for (int field = 2; at != nullptr && field < wanted; ++field) at = strchr(at + 1, ' ');
  return at == nullptr ? 0 : strtoull(at + 1, nullptr, 10);
}
constexpr int kThreadCountField = 20;
constexpr int kStartTicksField = 22;

// Every inherited owner starts the child's books with what it holds: allocated == live, freed == 0.
void inherit_owners(Engine& e) noexcept {
  ledger::Header& header = e.ledger.header;
  const std::uint32_t end = header.owner_high_water.load(kRelaxed);
  for (std::uint32_t id = 1; id < end; ++id) {
    OwnerRecord& who = e.ledger.owners[id];
    if (who.state == OwnerState::kFree) continue;
    HotBank& bank = e.ledger.hot[id];
    bank.allocated_bytes = static_cast<std::uint64_t>(gil_live(bank));
    ledger::OffGilBank& outside = e.ledger.off_gil[id];
    outside.allocated_bytes.store(static_cast<std::uint64_t>(outside.live_bytes.load(kRelaxed)), kRelaxed);
    outside.native_allocated_bytes.store(static_cast<std::uint64_t>(outside.native_live_bytes.load(kRelaxed)),
                                         kRelaxed);
    who.next_open = who.previous_open = 0;
    who.flags &= static_cast<std::uint16_t>(~ledger::kOwnerAged);
    const bool at_work = who.kind == OwnerKind::kRequest || who.kind == OwnerKind::kConnection;
    if (!at_work && who.kind != OwnerKind::kTenured) continue;
    who.kind = OwnerKind::kInherited;
    who.state = OwnerState::kOpen;
  }
  // What this process tenures is its own; and a tenured owner that the parent made meanwhile means nothing here.
  for (ledger::EndpointRecord& endpoint : e.ledger.endpoints) endpoint.tenured_owner = 0;
  for (std::uint32_t id = 0, count = header.endpoint_count.load(kRelaxed); id < count; ++id) {
    memset(static_cast<void*>(&e.ledger.lives[id]), 0, sizeof(ledger::LifeRecord));
  }
  memset(static_cast<void*>(e.ledger.flows), 0, sizeof(e.ledger.flows));
  header.retired_allocated_bytes = 0;
  header.retired_allocations = 0;
  header.retired_owners = 0;
}

void start_counters_anew(ledger::Header& header) noexcept {
  header.ring_head.store(0, kRelaxed);
  header.ring_tail.store(0, kRelaxed);
  header.dropped_requests.store(0, kRelaxed);
  header.started_requests.store(0, kRelaxed);
  header.finished_requests.store(0, kRelaxed);
  header.approximate_requests.store(0, kRelaxed);
  header.untracked_blocks.store(0, kRelaxed);
  header.lost_frees.store(0, kRelaxed);
  header.foreign_blocks.store(0, kRelaxed);
  header.folded_endpoints.store(0, kRelaxed);
  header.foreign_interpreter_blocks.store(0, kRelaxed);
  header.in_flight.store(0, kRelaxed);
  header.dropped_pool_events.store(0, kRelaxed);
  header.untold_pools.store(0, kRelaxed);
  forget_compat_calls(header);
}

// The descriptions stay, for pools that were made before the fork; their connections are the parent's.
void start_pools_anew(Engine& e) noexcept {
  const std::uint32_t end = e.ledger.header.pool_count.load(kRelaxed);
  for (std::uint32_t id = 1; id < end && id < ledger::kPools; ++id) {
    ledger::ConnectionPoolRecord& pool = e.ledger.pools[id];
    pool.connections = pool.open = pool.in_use = pool.waiters = pool.untold_connections = 0;
  }
}

void name_process(ledger::Header& header) noexcept {
  header.pid = static_cast<std::uint64_t>(getpid());
  header.parent_pid = static_cast<std::uint64_t>(getppid());
  header.process_start_ticks = own_stat_field(kStartTicksField);
}

// The owners as they stood when fork() was called. The parent goes on writing into the shared ledger before the child
// has a private one, while the block map is copied at once: without this the child's books would be off by what the
// parent allocated meanwhile. Static and untouched until the first fork.
struct OwnersAtFork {
  std::uint32_t count;
  bool others_ran;  // threads without the GIL may have gone on booking native blocks until the very fork
  HotBank hot[ledger::kOwnerSlots];
  ledger::OffGilBank off_gil[ledger::kOwnerSlots];
  OwnerRecord owners[ledger::kOwnerSlots];
};
OwnersAtFork g_at_fork;

template <typename Record>
void copy_records(Record* to, const Record* from, std::uint32_t count) noexcept {
  memcpy(static_cast<void*>(to), static_cast<const void*>(from), count * sizeof(Record));
}

// Threads without the GIL go on counting meanwhile.
void copy_off_gil(ledger::OffGilBank* to, const ledger::OffGilBank* from, std::uint32_t count) noexcept {
  for (std::uint32_t id = 0; id < count; ++id) {
    to[id].live_bytes.store(from[id].live_bytes.load(kRelaxed), kRelaxed);
    to[id].allocated_bytes.store(from[id].allocated_bytes.load(kRelaxed), kRelaxed);
    to[id].allocations.store(from[id].allocations.load(kRelaxed), kRelaxed);
    to[id].peak_bytes.store(from[id].peak_bytes.load(kRelaxed), kRelaxed);
    to[id].folded_live_bytes = from[id].folded_live_bytes;
    to[id].native_live_bytes.store(from[id].native_live_bytes.load(kRelaxed), kRelaxed);
    to[id].native_allocated_bytes.store(from[id].native_allocated_bytes.load(kRelaxed), kRelaxed);
    to[id].native_peak_bytes.store(from[id].native_peak_bytes.load(kRelaxed), kRelaxed);
  }
}

void run_prepare_handler() {
  Engine& e = engine();
  g_at_fork.others_ran = e.natives.is_open() && own_stat_field(kThreadCountField) > 1;
  g_at_fork.count = e.active && !e.frozen && e.ledger_file != 0 ? e.ledger.header.owner_high_water.load(kRelaxed) : 0;
  if (g_at_fork.count > ledger::kOwnerSlots) g_at_fork.count = ledger::kOwnerSlots;
  copy_records(g_at_fork.hot, e.ledger.hot, g_at_fork.count);
  copy_off_gil(g_at_fork.off_gil, e.ledger.off_gil, g_at_fork.count);
  copy_records(g_at_fork.owners, e.ledger.owners, g_at_fork.count);
}

void take_back_owners(Engine& e) noexcept {
  copy_records(e.ledger.hot, g_at_fork.hot, g_at_fork.count);
  copy_off_gil(e.ledger.off_gil, g_at_fork.off_gil, g_at_fork.count);
  copy_records(e.ledger.owners, g_at_fork.owners, g_at_fork.count);
  if (g_at_fork.count == 0) return;
  e.ledger.header.owner_high_water.store(g_at_fork.count, kRelaxed);
}

void run_child_handler() { child_after_fork(engine()); }

// For the collector: the requests of this process will be in no figure. A full file system mostly still takes a file
// without contents. Plain system calls: the heap may be in any state after fork.
void leave_marker(const Engine& e) noexcept {
  char path[ledger::kLongestPath];
  const auto pid = static_cast<long>(getpid());
  const auto now_ns = static_cast<unsigned long long>(base::monotonic_ns());
  const int wanted = snprintf(path, sizeof(path), "%s/%ld-%llu.ledgerless", e.run_dir, pid, now_ns);
  if (wanted < 0 || static_cast<std::size_t>(wanted) >= sizeof(path)) return;
  const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file >= 0) close(file);
}

}  // namespace

bool register_fork_handler(Engine& e) noexcept {
  if (e.fork_handler == 0 && pthread_atfork(run_prepare_handler, nullptr, run_child_handler) == 0) e.fork_handler = 1;
  return e.fork_handler != 0;
}

void child_after_fork(Engine& e) noexcept {
  if (!e.active || e.frozen) return;
  if (e.ledger_file != 0 && !ledger::map_over_private(e.ledger)) {
    close_books(e, "no memory for the books after fork");
    return;
  }
  take_back_owners(e);
  e.ledger_file = 0;
  e.ledger_failed = 0;
  forget_current(e);
  e.current.owner = kNobody;
  e.pending_count = 0;
  e.first_open = 0;
  e.in_flight_maxima_count = 0;
  e.ended_owners = 0;
  e.cohort_owner_count = 0;
  reset_sampler(e);
  e.sweeping = false;
  e.native_walkers.store(0, kRelaxed);  // that thread is not here; what it held is freed at the next walk
  if (g_at_fork.others_ran) settle_by_walking(e);
  inherit_owners(e);
  ledger::Header& header = e.ledger.header;
  start_counters_anew(header);
  start_pools_anew(e);
  header.started_unix_ns = base::unix_ns();
  header.started_ns = base::monotonic_ns();
  header.state.store(ledger::ProcessState::kLive, kRelaxed);
  name_process(header);
  // A process of root may drop its privileges before its first request, and the run folder is root's alone.
  if (geteuid() == 0) open_own_ledger(e);
}

void open_own_ledger(Engine& e) noexcept {
  if (HL_LIKELY(e.ledger_file != 0) || e.ledger_failed != 0 || e.run_dir[0] == 0) return;
  name_process(e.ledger.header);
  char path[ledger::kLongestPath];
  const int failure = ledger::map_over_file(e.ledger, e.run_dir, path);
  if (failure != 0) {
    e.ledger_failed = failure;
    leave_marker(e);
    return;
  }
  e.ledger_file = 1;
  publish_addresses(e);
  memcpy(e.ledger_path, path, sizeof(path));
}

}  // namespace heapledger::engine
