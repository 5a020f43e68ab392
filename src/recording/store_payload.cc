// What the store keeps of bodies: how they were encoded, and how large they may be.
#include <string_view>

#include "recording/columns.h"
#include "recording/store_state.h"

namespace heapledger::recording {

std::int64_t Store::intern_content_encoding(const std::string& name) {
  auto& encodings = state_->content_encodings;
  if (const auto known = encodings.find(name); known != encodings.end()) return known->second;
  Statement insert(state_->database, "INSERT OR IGNORE INTO content_encoding (name) VALUES (?)");
  insert.bind(std::string_view(name)).run();
  Statement select(state_->database, "SELECT id FROM content_encoding WHERE name = ?");
  select.bind(std::string_view(name)).step();
  return encodings[name] = select.integer(0);
}

void Store::replace_body_limits(std::int64_t worker, const std::vector<BodyLimitRow>& limits) {
  Statement(state_->database, "DELETE FROM body_limit WHERE worker = ?").bind(worker).run();
  if (limits.empty()) return;
  Statement insert(state_->database, ("INSERT " + insert_into(kBodyLimitTable)).c_str());
  for (BodyLimitRow row : limits) {
    row.worker = worker;
    bind_row(kBodyLimitTable, insert, row);
    insert.run();
  }
}

}  // namespace heapledger::recording
