#include "engine/marks.h"

#include <string.h>

#include <algorithm>

namespace heapledger::engine {
namespace {

constexpr std::size_t kLongestNotice = ledger::kLongestNotice;

ledger::CompatMark* find_mark(Engine& e, EndpointId endpoint, std::string_view name) noexcept {
  ledger::Header& header = e.ledger.header;
  const std::uint32_t count = header.compat_mark_count.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < count; ++i) {
    ledger::CompatMark& mark = header.compat_marks[i];
    const std::string_view known{e.ledger.strings + mark.name_offset, mark.name_bytes};
    if (mark.endpoint == endpoint.raw() && known == name) return &mark;
  }
  return nullptr;
}

ledger::CompatMark* add_mark(Engine& e, EndpointId endpoint, std::string_view name) noexcept {
  ledger::Header& header = e.ledger.header;
  const std::uint32_t count = header.compat_mark_count.load(std::memory_order_relaxed);
  const StringRef kept = count < ledger::kCompatMarks ? intern_string(e, name) : StringRef{};
  if (kept.bytes == 0) return nullptr;
  header.compat_marks[count] = {kept.offset, kept.bytes, endpoint.raw(), 0, 0, 0, 0, 0};
  header.compat_mark_count.store(count + 1, std::memory_order_release);  // acquire: LedgerView::compat_marks
  return &header.compat_marks[count];
}

}  // namespace

bool note_end_of_life(Engine& e, EndpointId endpoint, std::string_view deprecation, std::string_view sunset) noexcept {
  if (!e.active || e.frozen || endpoint.raw() == 0 ||
      endpoint.raw() >= e.ledger.header.endpoint_count.load(std::memory_order_relaxed)) {
    return false;
  }
  ledger::EndpointRecord& row = e.ledger.endpoints[endpoint.raw()];
  if (row.notice_bytes != 0) return true;
  char lines[2 * kLongestNotice + 1];
  std::size_t length = std::min(deprecation.size(), kLongestNotice);
  memcpy(lines, deprecation.data(), length);
  lines[length++] = '\n';
  const std::size_t rest = std::min(sunset.size(), kLongestNotice);
  memcpy(lines + length, sunset.data(), rest);
  const StringRef kept = intern_string(e, {lines, length + rest});
  if (kept.bytes == 0) return false;
  __atomic_store_n(&row.notice_offset, kept.offset, __ATOMIC_RELAXED);
  __atomic_store_n(&row.notice_bytes, std::uint32_t{kept.bytes}, __ATOMIC_RELEASE);  // acquire: LedgerView::endpoint
  return true;
}

void note_compat_call(Engine& e, EndpointId endpoint, std::string_view name, const CompatCall& call) noexcept {
  if (!e.active || e.frozen) return;
  ledger::CompatMark* mark = find_mark(e, endpoint, name);
  if (mark == nullptr) mark = add_mark(e, endpoint, name);
  if (mark == nullptr) {
    ++e.ledger.header.compat_calls_without_mark;
    return;
  }
  ++mark->calls;
  mark->allocated_bytes += call.allocated_bytes;
  mark->peak_bytes = std::max(mark->peak_bytes, call.peak_bytes);
  mark->duration_ns += call.duration_ns;
}

void forget_compat_calls(ledger::Header& header) noexcept {
  for (ledger::CompatMark& mark : header.compat_marks) {
    mark.calls = mark.allocated_bytes = mark.peak_bytes = mark.duration_ns = 0;
  }
  header.compat_calls_without_mark = 0;
}

}  // namespace heapledger::engine
