// What the store keeps of blocks that outlived their request: cohorts, flows, sampled stacks.
#include <nlohmann/json.hpp>
#include <string>

#include "recording/columns.h"
#include "recording/store_state.h"

namespace heapledger::recording {
namespace {

template <class Row, std::size_t kCount>
void replace_rows(Database& database, const Table<Row, kCount>& table, std::int64_t worker, std::vector<Row> rows) {
  std::string remove("DELETE FROM ");
  remove.append(table.name).append(" WHERE worker = ?");
  Statement(database, remove.c_str()).bind(worker).run();
  if (rows.empty()) return;
  std::string add("INSERT ");
  add.append(insert_into(table));
  Statement insert(database, add.c_str());
  for (Row& row : rows) {
    row.worker = worker;
    bind_row(table, insert, row);
    insert.run();
  }
}

std::string ids_text(const std::vector<std::int64_t>& ids) {
  std::string text;
  for (const std::int64_t id : ids) text.append(text.empty() ? "" : " ").append(std::to_string(id));
  return text;
}

}  // namespace

void Store::replace_lives(std::int64_t worker, const std::vector<EndpointLifeRow>& lives) {
  Statement(state_->database, "DELETE FROM endpoint_life WHERE worker = ?").bind(worker).run();
  Statement insert(state_->database,
                   "INSERT INTO endpoint_life (worker, endpoint, requests, freed_bytes, oldest_free_requests, "
                   "first_aged_free_request, last_aged_free_request, freed_by_age, retained_history) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const EndpointLifeRow& life : lives) {
    insert.bind(worker).bind(life.endpoint).bind(life.requests).bind(life.freed_bytes);
    insert.bind(life.oldest_free_requests).bind(life.first_aged_free_request).bind(life.last_aged_free_request);
    const std::string ages = nlohmann::json(life.freed_by_age_bytes).dump();
    nlohmann::json history = nlohmann::json::array();
    for (const auto& level : life.retained_history) history.push_back({level.requests, level.retained_bytes});
    const std::string levels = history.dump();
    insert.bind(std::string_view(ages)).bind(std::string_view(levels)).run();
  }
}

void Store::replace_cohorts(std::int64_t worker, const std::vector<CohortRow>& cohorts) {
  replace_rows(state_->database, kCohortTable, worker, cohorts);
}

void Store::replace_flows(std::int64_t worker, const std::vector<FlowRow>& flows) {
  replace_rows(state_->database, kFlowTable, worker, flows);
}

void Store::replace_sites(std::int64_t worker, const std::vector<SiteRow>& sites) {
  replace_rows(state_->database, kSiteTable, worker, sites);
}

std::int64_t Store::intern_place(const PlaceRow& place) {
  const auto key = std::make_tuple(place.function, place.file, place.line);
  if (const auto known = state_->places.find(key); known != state_->places.end()) return known->second;
  Statement insert(state_->database, "INSERT OR IGNORE INTO place (function, file, line) VALUES (?, ?, ?)");
  insert.bind(std::string_view(place.function)).bind(std::string_view(place.file)).bind(place.line).run();
  Statement select(state_->database, "SELECT id FROM place WHERE function = ? AND file = ? AND line = ?");
  select.bind(std::string_view(place.function)).bind(std::string_view(place.file)).bind(place.line).step();
  return state_->places[key] = select.integer(0);
}

std::int64_t Store::intern_stack(const StackRow& stack) {
  const std::string places = ids_text(stack.places);
  if (const auto known = state_->stacks.find(places); known != state_->stacks.end()) return known->second;
  Statement insert(state_->database, "INSERT OR IGNORE INTO stack (places, truncated) VALUES (?, ?)");
  insert.bind(std::string_view(places)).bind(std::int64_t{stack.truncated}).run();
  Statement select(state_->database, "SELECT id FROM stack WHERE places = ?");
  select.bind(std::string_view(places)).step();
  return state_->stacks[places] = select.integer(0);
}

}  // namespace heapledger::recording
