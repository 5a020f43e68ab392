// The rows of an open recording that tell of bodies, each checked before it is handed out.
#include "ledger/layout.h"
#include "ledger/layout_body.h"
#include "recording/recording_state.h"

namespace heapledger::recording {
namespace {

constexpr int kFirstPhaseColumn = 12;
constexpr int kPhaseColumns = 3 * static_cast<int>(kPhases);

constexpr char kBodyColumns[] =
    "worker, endpoint, started_us, status, flags, received_bytes, sent_bytes, peak_bytes, request_type, response_type, "
    "request_encoding, response_encoding, "
    "read_allocated_bytes, read_peak_bytes, read_us, deserialize_allocated_bytes, deserialize_peak_bytes, "
    "deserialize_us, handle_allocated_bytes, handle_peak_bytes, handle_us, serialize_allocated_bytes, "
    "serialize_peak_bytes, serialize_us, send_allocated_bytes, send_peak_bytes, send_us, id";

// All of a request's phases were seen, or none.
std::optional<std::array<PhaseFigures, kPhases>> read_phases(Statement& row) {
  int absent = 0;
  for (int column = kFirstPhaseColumn; column < kFirstPhaseColumn + kPhaseColumns; ++column) {
    absent += row.is_null(column) ? 1 : 0;
  }
  if (absent != 0 && absent != kPhaseColumns) row.damaged(kFirstPhaseColumn);
  if (absent != 0) return std::nullopt;
  std::array<PhaseFigures, kPhases> phases;
  int column = kFirstPhaseColumn;
  for (PhaseFigures& phase : phases) {
    phase = {row.size(column), row.size(column + 1), row.size(column + 2)};
    column += 3;
  }
  return phases;
}

void read_flags(std::uint32_t flags, BodyRow& row) {
  row.approximate = (flags & ledger::kRequestApproximate) != 0;
  row.raised = (flags & ledger::kRequestRaised) != 0;
  row.disconnected = (flags & ledger::kRequestDisconnected) != 0;
  row.received_in_pieces = (flags & ledger::kRequestStreamedIn) != 0;
  row.received_whole = (flags & ledger::kRequestHeldIn) != 0;
  row.sent_in_pieces = (flags & ledger::kRequestStreamedOut) != 0;
}

// Ids of neighbouring rows are mostly the same: they are looked up once.
class KnownId {
 public:
  KnownId(const std::unordered_set<std::int64_t>& ids, const char* message) : ids_(ids), message_(message) {}

  // False: no such row.
  bool has(std::int64_t id) {
    if (id != last_ || !any_) {
      if (!ids_.contains(id)) return false;
      last_ = id;
      any_ = true;
    }
    return true;
  }
  const char* message() const { return message_; }

 private:
  const std::unordered_set<std::int64_t>& ids_;
  const char* message_;
  std::int64_t last_ = 0;
  bool any_ = false;
};

}  // namespace

void Recording::for_each_body(const std::function<void(const BodyRow&)>& visit) const {
  KnownId workers(state_->workers, "a row names an unknown worker");
  KnownId endpoints(state_->endpoints, "a row names an unknown endpoint");
  KnownId types(state_->content_types, "a row names an unknown content type");
  KnownId encodings(state_->content_encodings, "a row names an unknown content encoding");
  Statement select(*state_->database, ("SELECT " + std::string(kBodyColumns) + " FROM request").c_str());
  const auto id = [&](int column, KnownId& known) {
    const std::int64_t value = select.integer(column);
    if (!known.has(value)) state_->damaged(known.message());
    return value;
  };
  const auto optional_id = [&](int column, KnownId& known) {
    return select.is_null(column) ? std::nullopt : std::optional(id(column, known));
  };
  BodyRow row;
  std::optional<std::int64_t> last_id;
  while (select.step()) {
    // A page that is reached twice, or in the wrong place, shows here.
    const std::int64_t row_id = select.integer(kFirstPhaseColumn + kPhaseColumns);
    if (last_id && row_id <= *last_id) state_->damaged("requests are out of order");
    last_id = row_id;
    row.worker = id(0, workers);
    row.endpoint = id(1, endpoints);
    row.started_us = select.integer(2);
    row.status = static_cast<std::int32_t>(select.size(3) & 0x7FFFFFFF);
    read_flags(static_cast<std::uint32_t>(select.size(4) & 0xFFFFFFFF), row);
    row.received_bytes = select.size(5);
    row.sent_bytes = select.size(6);
    row.peak_bytes = select.size(7);
    row.request_type = optional_id(8, types);
    row.response_type = optional_id(9, types);
    row.request_encoding = optional_id(10, encodings);
    row.response_encoding = optional_id(11, encodings);
    row.phases = read_phases(select);
    visit(row);
  }
}

}  // namespace heapledger::recording
