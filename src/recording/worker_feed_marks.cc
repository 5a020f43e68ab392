// What a service says of its versions, from its ledger into the store.
#include "recording/saturating.h"
#include "recording/text.h"
#include "recording/worker_feed.h"

namespace heapledger::recording {

void WorkerFeed::replace_compat_marks(Store& store) {
  std::vector<CompatMarkRow> rows;
  for (const ledger::CompatCalls& calls : view_->compat_calls()) {
    if (calls.calls == 0) continue;
    CompatMarkRow row;
    row.endpoint = known_endpoint(store, calls.endpoint);
    row.name = clean_text(calls.name);
    row.calls = stored_size(calls.calls);
    row.allocated_bytes = stored_size(calls.allocated_bytes);
    row.peak_bytes = stored_size(calls.peak_bytes);
    row.duration_us = stored_size(calls.duration_ns / 1000);
    rows.push_back(std::move(row));
  }
  store.replace_compat_marks(row_.id, rows);
}

// A notice may come after the first requests of its endpoint.
void WorkerFeed::add_notices(Store& store) {
  for (const auto& [id, stored] : endpoints_) {
    const std::optional<ledger::Endpoint> endpoint = view_->endpoint(id);
    if (!endpoint || endpoint->notice.bytes == 0 || noticed_.contains(id)) continue;
    const std::string lines = view_->text(endpoint->notice);
    const std::size_t end = lines.find('\n');
    EndpointNoticeRow row;
    row.endpoint = stored;
    row.deprecation = clean_text(lines.substr(0, end));
    row.sunset = end == std::string::npos ? "" : clean_text(lines.substr(end + 1));
    store.set_notice(row);
    noticed_.insert(id);
  }
}

}  // namespace heapledger::recording
