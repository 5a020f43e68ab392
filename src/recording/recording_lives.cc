// The rows about what outlived its request: cohorts, flows, sampled stacks.
#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "recording/recording_state.h"
#include "recording/saturating.h"

namespace heapledger::recording {
namespace {

constexpr std::size_t kAgeBins = 12;

// Empty: not readable.
std::vector<std::int64_t> parse_ages(const std::string& json) {
  std::vector<std::int64_t> bins;
  try {
    for (const nlohmann::json& bin : nlohmann::json::parse(json)) bins.push_back(bin.get<std::int64_t>());
  } catch (const nlohmann::json::exception&) {
    return {};
  }
  return bins.size() == kAgeBins ? bins : std::vector<std::int64_t>{};
}

bool parse_history(const std::string& json, std::vector<EndpointLifeRow::RetainedLevel>& levels) {
  try {
    for (const nlohmann::json& level : nlohmann::json::parse(json)) {
      levels.push_back({level.at(0).get<std::int64_t>(), level.at(1).get<std::int64_t>()});
    }
  } catch (const nlohmann::json::exception&) {
    return false;
  }
  return true;
}

std::vector<std::int64_t> parse_ids(std::string_view text) {
  std::vector<std::int64_t> ids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::int64_t id = 0;
    const auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc() || (next != end && *next != ' ')) return {};
    ids.push_back(id);
    at = next == end ? end : next + 1;
  }
  return ids;
}

// One endpoint in one worker; its rows come in the order in which they ended.
struct SpanReader {
  RequestSpanRow row;
  std::vector<std::int64_t> ended_us;  // never falling

  void add(std::int64_t started_us, std::int64_t duration_us) {
    std::int64_t end_us = saturating_add(started_us, duration_us);
    if (!ended_us.empty()) end_us = std::max(end_us, ended_us.back());
    row.ended_meanwhile += ended_us.end() - std::upper_bound(ended_us.begin(), ended_us.end(), started_us);
    row.first_started_us = row.requests == 0 ? started_us : std::min(row.first_started_us, started_us);
    row.last_started_us = row.requests == 0 ? started_us : std::max(row.last_started_us, started_us);
    ++row.requests;
    ended_us.push_back(end_us);
  }
};

}  // namespace

std::vector<EndpointLifeRow> Recording::endpoint_lives() const {
  Statement select(
      *state_->database,
      "SELECT worker, endpoint, requests, freed_bytes, oldest_free_requests, first_aged_free_request, "
      "last_aged_free_request, freed_by_age, retained_history FROM endpoint_life ORDER BY worker, endpoint");
  std::vector<EndpointLifeRow> rows;
  while (select.step()) {
    rows.push_back({state_->worker(select, 0),
                    state_->endpoint(select, 1),
                    select.size(2),
                    select.size(3),
                    select.size(4),
                    select.optional_size(5),
                    select.optional_size(6),
                    parse_ages(select.text(7)),
                    {}});
    if (rows.back().freed_by_age_bytes.empty()) state_->damaged("ages cannot be read");
    if (!parse_history(select.text(8), rows.back().retained_history)) state_->damaged("a history cannot be read");
  }
  return rows;
}

std::vector<CohortRow> Recording::cohorts() const {
  return state_->read_all(kCohortTable, "ORDER BY worker, endpoint, first_request, block_bytes, rowid");
}

std::vector<FlowRow> Recording::flows() const { return state_->read_all(kFlowTable, "ORDER BY worker, rowid"); }

std::vector<PlaceRow> Recording::places() const {
  Statement select(*state_->database, "SELECT id, function, file, line FROM place ORDER BY id");
  std::vector<PlaceRow> rows;
  while (select.step()) rows.push_back({select.integer(0), select.text(1), select.text(2), select.size(3)});
  return rows;
}

std::vector<StackRow> Recording::stacks() const {
  std::unordered_set<std::int64_t> known;
  for (const PlaceRow& place : places()) known.insert(place.id);
  Statement select(*state_->database, "SELECT id, places, truncated FROM stack ORDER BY id");
  std::vector<StackRow> rows;
  while (select.step()) {
    rows.push_back({select.integer(0), parse_ids(select.text(1)), select.integer(2) != 0});
    if (rows.back().places.empty()) state_->damaged("a stack cannot be read");
    for (const std::int64_t place : rows.back().places) {
      if (!known.contains(place)) state_->damaged("a stack names an unknown line of code");
    }
  }
  return rows;
}

std::vector<SiteRow> Recording::sites() const {
  return state_->read_all(kSiteTable, "ORDER BY worker, endpoint, rowid");
}

// GROUP BY would sort all rows: summed here it takes a third of the time.
std::vector<RequestSpanRow> Recording::request_spans() const {
  std::map<std::pair<std::int64_t, std::int64_t>, SpanReader> spans;
  Statement select(*state_->database, "SELECT worker, endpoint, started_us, duration_us FROM request ORDER BY id");
  SpanReader* span = nullptr;
  while (select.step()) {
    const std::int64_t worker = select.integer(0);
    const std::int64_t endpoint = select.integer(1);
    if (span == nullptr || span->row.worker != worker || span->row.endpoint != endpoint) {
      span = &spans.try_emplace({worker, endpoint}).first->second;
      if (span->row.requests == 0) {
        span->row.worker = state_->worker(select, 0);
        span->row.endpoint = state_->endpoint(select, 1);
      }
    }
    span->add(select.integer(2), select.integer(3));
  }
  std::vector<RequestSpanRow> rows;
  for (const auto& [key, reader] : spans) rows.push_back(reader.row);
  return rows;
}

}  // namespace heapledger::recording
