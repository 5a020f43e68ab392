// What the store keeps of versions: notices of endpoints at their end, marks of compatibility code.
#include <string_view>

#include "recording/store_state.h"

namespace heapledger::recording {

void Store::replace_compat_marks(std::int64_t worker, const std::vector<CompatMarkRow>& marks) {
  Statement(state_->database, "DELETE FROM compat_mark WHERE worker = ?").bind(worker).run();
  if (marks.empty()) return;
  Statement insert(state_->database,
                   "INSERT INTO compat_mark (worker, endpoint, name, calls, allocated_bytes, peak_bytes, duration_us) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (const CompatMarkRow& mark : marks) {
    insert.bind(worker).bind(mark.endpoint).bind(std::string_view(mark.name)).bind(mark.calls);
    insert.bind(mark.allocated_bytes).bind(mark.peak_bytes).bind(mark.duration_us).run();
  }
}

// Workers say the same of an endpoint; the last one's words stay.
void Store::set_notice(const EndpointNoticeRow& notice) {
  Statement replace(state_->database, "REPLACE INTO endpoint_notice (endpoint, deprecation, sunset) VALUES (?, ?, ?)");
  replace.bind(notice.endpoint).bind(std::string_view(notice.deprecation)).bind(std::string_view(notice.sunset)).run();
}

}  // namespace heapledger::recording
