// The few columns of requests that say how their memory came and went, and phase by phase, without the cost of reading
// the others.
#include <string>

#include "recording/recording_state.h"

namespace heapledger::recording {
namespace {

std::string among(const std::vector<std::int64_t>& endpoints) {
  std::string ids;
  for (const std::int64_t id : endpoints) ids += (ids.empty() ? "" : ", ") + std::to_string(id);
  return ids.empty() ? "" : "WHERE endpoint IN (" + ids + ") ";
}

// The column that starts with it.
const char* column_prefix(RequestPhase phase) {
  switch (phase) {
    case RequestPhase::kRead:
      return "read";
    case RequestPhase::kDeserialize:
      return "deserialize";
    case RequestPhase::kHandle:
      return "handle";
    case RequestPhase::kSerialize:
      return "serialize";
    case RequestPhase::kSend:
      break;
  }
  return "send";
}

}  // namespace

void Recording::for_each_phase(RequestPhase phase, const std::vector<std::int64_t>& endpoints,
                               const std::function<void(const PhaseRow&)>& visit) const {
  const std::string name = column_prefix(phase);
  const std::string where = endpoints.empty() ? "WHERE " : among(endpoints) + "AND ";
  const std::string sql = "SELECT worker, endpoint, started_us, " + name + "_allocated_bytes, " + name +
                          "_peak_bytes, " + name + "_us FROM request " + where + name + "_us IS NOT NULL";
  Statement select(*state_->database, sql.c_str());
  while (select.step()) {
    visit({state_->worker(select, 0), state_->endpoint(select, 1), select.integer(2),
           select.optional_size(3).value_or(0), select.optional_size(4).value_or(0), select.size(5)});
  }
}

void Recording::for_each_curve(const std::vector<std::int64_t>& endpoints,
                               const std::function<void(const RequestCurveRow&)>& visit) const {
  Statement select(*state_->database, select_from(kRequestCurveTable, among(endpoints) + "ORDER BY id").c_str());
  std::optional<std::int64_t> last_id;
  while (select.step()) {
    const RequestCurveRow row = state_->read(kRequestCurveTable, select);
    if (last_id && row.id <= *last_id) state_->damaged("requests are out of order");
    last_id = row.id;
    visit(row);
  }
}

std::vector<RequestRow> Recording::requests_with_ids(const std::vector<std::int64_t>& ids) const {
  Statement select(*state_->database, select_from(kRequestTable, "WHERE id = ?").c_str());
  std::vector<RequestRow> rows;
  for (const std::int64_t id : ids) {
    select.bind(id);
    if (select.step()) rows.push_back(state_->read(kRequestTable, select));
    select.reset();
  }
  return rows;
}

}  // namespace heapledger::recording
