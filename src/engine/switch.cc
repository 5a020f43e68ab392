#include "engine/switch.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/audit.h"
#include "engine/fork.h"
#include "engine/measure.h"
#include "engine/native_books.h"
#include "engine/owners.h"
#include "engine/pages.h"

namespace heapledger::engine {
namespace {

template <std::size_t N>
void copy_text(char (&to)[N], const char* from) noexcept {
  strncpy(to, from, N - 1);
  to[N - 1] = 0;
}

void write_header(Engine& e, const StartOptions& options) noexcept {
  ledger::Header& header = e.ledger.header;
  header.magic = ledger::kMagic;
  header.layout_version = ledger::kLayoutVersion;
  header.header_bytes = sizeof(ledger::Header);
  header.file_bytes = ledger::kLedgerBytes;
  header.started_unix_ns = base::unix_ns();
  header.started_ns = base::monotonic_ns();
  header.native = options.native.usable_bytes != nullptr ? 1 : 0;
  copy_text(header.python, options.python);
  copy_text(header.rule, options.rule);
  copy_text(header.allocator, options.allocator);
  header.endpoint_count.store(1, std::memory_order_relaxed);  // row 0: no route known yet
  header.string_bytes.store(0, std::memory_order_relaxed);
}

}  // namespace

bool read_small_file(const char* path, FileText& text) noexcept {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t count = read(file, text.bytes, sizeof(text.bytes) - 1);
  close(file);
  text.bytes[count < 0 ? 0 : count] = 0;
  return count > 0;
}

bool start(Engine& e, const StartOptions& options) noexcept {
  if (e.active) return true;
  if (e.frozen) return false;
  if (strlen(options.run_dir) >= sizeof(e.run_dir)) {
    e.off_reason = "the run folder's name is too long";
    return false;
  }
  if (!e.pools.prepare()) {
    e.off_reason = "no address space for the block map";
    return false;
  }
  keep_pages_small(hl_engine_storage + sizeof(ledger::Ledger), sizeof(Engine) - sizeof(ledger::Ledger));
  e.words.set_granule_shift(options.granule_shift);
  e.native = options.native;
  write_header(e, options);
  prepare_owners(e);
  start_sampler(e);
  forget_current(e);
  e.current.owner = kNobody;
  copy_text(e.run_dir, options.run_dir);
  if (!register_fork_handler(e)) {
    e.off_reason = "no fork handler could be registered";
    return false;
  }
  e.ledger.header.state.store(ledger::ProcessState::kLive, std::memory_order_relaxed);
  e.active = true;
  e.natives.set_granule_shift(options.native.usable_bytes != nullptr ? options.native_granule_shift : 0);
  open_own_ledger(e);
  if (options.run_dir[0] != 0 && e.ledger_file == 0) {
    close_books(e, "the ledger file could not be made");
    return false;
  }
  return true;
}

namespace {

// A thread without the GIL (one that just ended frees its thread state so) may be half way through a debit, and on a
// busy machine may stay there for a while: look again before saying that the books do not balance.
Audit settled_audit(Engine& e) noexcept {
  constexpr int kLooks = 40;
  constexpr timespec kPause{0, 1'000'000};
  Audit result = audit(e);
  for (int look = 1; look < kLooks && result.mismatches != 0; ++look) {
    nanosleep(&kPause, nullptr);
    result = audit(e);
  }
  return result;
}

}  // namespace

void freeze(Engine& e) noexcept {
  if (!e.active || e.frozen) return;
  ledger::Header& header = e.ledger.header;
  const HeldFrees held(e);
  const std::uint64_t own = own_bytes(e);
  e.words.close();  // from here on no thread changes a counter: the pools are the GIL's
  e.natives.close();
  const Audit result = settled_audit(e);
  header.audited_live_bytes = result.walked_bytes;
  header.audited_owner_mismatches = result.mismatches;
  header.audited = result.done ? 1 : 0;
  count_survivors(e);
  take_sample(e, own);
  header.frozen_unix_ns = base::unix_ns();
  close_books(e, "frozen at exit");
  if (header.displaced_unix_ns.load(std::memory_order_relaxed) == 0) {
    header.state.store(ledger::ProcessState::kFrozen, std::memory_order_release);  // last store; acquire in LedgerView
  }
}

void close_books(Engine& e, const char* reason) noexcept {
  e.off_reason = reason;
  e.frozen = true;
  forget_current(e);
  e.pools.close();
  e.words.close();
  e.natives.close();
}

void close_native(Engine& e) noexcept {
  e.natives.close();
  e.ledger.header.native = 0;
  copy_text(e.ledger.header.allocator, "");
}

void mark_displaced(Engine& e) noexcept {
  ledger::Header& header = e.ledger.header;
  if (e.frozen || !e.active) return;
  header.displaced_unix_ns.store(base::unix_ns(), std::memory_order_relaxed);
  header.state.store(ledger::ProcessState::kDisplaced, std::memory_order_relaxed);
  close_books(e, "another tool removed the allocation hooks");
}

}  // namespace heapledger::engine
