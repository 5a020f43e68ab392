#include "engine/phases.h"

#include <algorithm>

#include "base/clock.h"
#include "engine/books.h"
#include "engine/owners.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::uint64_t kNsInUs = 1000;

PhaseBook& book_of(Engine& e, OwnerId owner) noexcept { return e.phases[owner.raw()]; }

std::uint64_t allocated_bytes(Engine& e, OwnerId owner) noexcept {
  return hot(e, owner).allocated_bytes + e.ledger.off_gil[owner.raw()].allocated_bytes.load(kRelaxed);
}

// What has happened since the last change goes to the phase that it happened in.
void settle(Engine& e, OwnerId owner, std::uint64_t now_ns) noexcept {
  PhaseBook& book = book_of(e, owner);
  PhaseBook::Sum& sum = book.sums[static_cast<std::size_t>(book.current)];
  const std::uint64_t allocated = allocated_bytes(e, owner);
  sum.allocated_bytes += static_cast<std::int64_t>(allocated - book.marked_allocated);
  sum.peak_bytes = std::max(sum.peak_bytes, restart_peak(e, owner));
  sum.ns += now_ns - book.marked_ns;
  book.marked_allocated = allocated;
  book.marked_ns = now_ns;
}

void change(Engine& e, OwnerId owner) noexcept {
  PhaseBook& book = book_of(e, owner);
  const Phase next = book.reading ? Phase::kRead : book.visited ? book.outermost : book.base;
  book.seen = true;
  if (next == book.current) return;
  settle(e, owner, base::monotonic_ns());
  book.current = next;
}

bool is_open_request(Engine& e, Scope scope) noexcept {
  return !e.frozen && is_open(e, scope) && record(e, OwnerId{scope.owner}).kind == OwnerKind::kRequest;
}

ledger::BodyLimit* find_body_limit(Engine& e, EndpointId endpoint, std::string_view setting) noexcept {
  ledger::Header& header = e.ledger.header;
  const std::uint32_t count = header.body_limit_count.load(kRelaxed);
  for (std::uint32_t i = 0; i < count; ++i) {
    ledger::BodyLimit& limit = header.body_limits[i];
    const std::string_view known{e.ledger.strings + limit.setting_offset, limit.setting_bytes};
    if (limit.endpoint == endpoint.raw() && known == setting) return &limit;
  }
  return nullptr;
}

}  // namespace

void begin_phases(Engine& e, OwnerId owner, std::uint64_t now_ns) noexcept {
  PhaseBook& book = book_of(e, owner);
  book = {};
  book.marked_ns = now_ns;
  book.current = book.base = Phase::kHandle;
}

Visit enter_phase(Engine& e, Scope scope, Phase phase) noexcept {
  const bool visitable = phase == Phase::kRead || phase == Phase::kDeserialize || phase == Phase::kSerialize;
  if (!visitable || !is_open_request(e, scope)) return Visit::kNone;
  const OwnerId owner{scope.owner};
  PhaseBook& book = book_of(e, owner);
  Visit visit = Visit::kNone;
  if (!book.visited) {
    book.visited = true;
    book.outermost = phase;
    visit = Visit::kOutermost;
  } else if (phase == Phase::kRead && book.outermost == Phase::kDeserialize && !book.reading) {
    book.reading = true;
    visit = Visit::kReading;
  } else {
    return Visit::kNone;
  }
  change(e, owner);
  return visit;
}

void leave_phase(Engine& e, Scope scope, Visit visit) noexcept {
  if (visit == Visit::kNone || !is_open_request(e, scope)) return;
  const OwnerId owner{scope.owner};
  PhaseBook& book = book_of(e, owner);
  book.reading = false;  // also where the one that reads goes on after the one that it reads for
  if (visit == Visit::kOutermost) book.visited = false;
  change(e, owner);
}

void note_held(Engine& e, Scope scope) noexcept {
  if (is_open_request(e, scope)) book_of(e, OwnerId{scope.owner}).held = true;
}

bool was_held(const Engine& e, OwnerId owner) noexcept { return e.phases[owner.raw()].held; }

void begin_sending(Engine& e, Scope scope) noexcept {
  if (!is_open_request(e, scope)) return;
  book_of(e, OwnerId{scope.owner}).base = Phase::kSend;
  change(e, OwnerId{scope.owner});
}

bool finish_phases(Engine& e, OwnerId owner, std::uint64_t now_ns) noexcept {
  PhaseBook& book = book_of(e, owner);
  if (book.seen) settle(e, owner, now_ns);
  return book.seen;
}

ledger::PhaseFigures phase_figures(const Engine& e, OwnerId owner, Phase phase) noexcept {
  const PhaseBook::Sum& sum = e.phases[owner.raw()].sums[static_cast<std::size_t>(phase)];
  const auto size = [](std::int64_t value) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value)); };
  return {size(sum.allocated_bytes), size(sum.peak_bytes), sum.ns / kNsInUs};
}

bool note_body_limit(Engine& e, EndpointId endpoint, std::string_view setting, std::uint64_t limit_bytes) noexcept {
  ledger::Header& header = e.ledger.header;
  if (ledger::BodyLimit* known = find_body_limit(e, endpoint, setting); known != nullptr) {
    known->limit_bytes = limit_bytes;
    return true;
  }
  const std::uint32_t count = header.body_limit_count.load(kRelaxed);
  const StringRef name = count < ledger::kBodyLimits ? intern_string(e, setting) : StringRef{};
  if (name.bytes == 0) return false;
  header.body_limits[count] = {endpoint.raw(), name.offset, name.bytes, 0, limit_bytes};
  header.body_limit_count.store(count + 1, std::memory_order_release);  // acquire: LedgerView::body_limits
  return true;
}

}  // namespace heapledger::engine
