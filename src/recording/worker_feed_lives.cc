// A worker's survivors and sampled stacks, from its ledger into the store.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "recording/saturating.h"
#include "recording/text.h"
#include "recording/worker_feed.h"

namespace heapledger::recording {
namespace {

std::optional<std::int64_t> unless_zero(std::uint64_t value) {
  return value == 0 ? std::nullopt : std::optional(stored_size(value));
}

}  // namespace

void WorkerFeed::replace_survivors(Store& store) {
  replace_lives(store, replace_cohorts(store));
  replace_flows(store);
  replace_sites(store);
}

void WorkerFeed::replace_lives(Store& store, const RetainedByEndpoint& retained) {
  std::vector<EndpointLifeRow> lives;
  for (const ledger::Life& life : view_->lives()) {
    const std::optional<std::int64_t> endpoint = known_endpoint(store, life.endpoint);
    if (!endpoint) continue;
    EndpointLifeRow row;
    row.endpoint = *endpoint;
    row.requests = stored_size(life.requests);
    row.freed_bytes = stored_size(life.freed_bytes);
    row.oldest_free_requests = stored_size(life.oldest_free_requests);
    row.first_aged_free_request = unless_zero(life.first_aged_free_request);
    row.last_aged_free_request = unless_zero(life.last_aged_free_request);
    std::transform(std::begin(life.freed_by_age_bytes), std::end(life.freed_by_age_bytes),
                   std::back_inserter(row.freed_by_age_bytes), stored_size);
    std::vector<EndpointLifeRow::RetainedLevel>& history = retained_histories_[*endpoint];
    const std::int64_t last = history.empty() ? 0 : history.back().requests;
    if (row.requests > last && row.requests - row.requests / 5 >= last) {
      const auto held = retained.find(*endpoint);
      history.push_back({row.requests, held == retained.end() ? 0 : held->second});
    }
    row.retained_history = history;
    // Two ids of a hostile ledger may name one endpoint.
    const auto same = [&](const EndpointLifeRow& other) { return other.endpoint == row.endpoint; };
    if (std::none_of(lives.begin(), lives.end(), same)) lives.push_back(std::move(row));
  }
  store.replace_lives(row_.id, lives);
}

WorkerFeed::RetainedByEndpoint WorkerFeed::replace_cohorts(Store& store) {
  RetainedByEndpoint retained;
  std::vector<CohortRow> cohorts;
  for (const ledger::Cohort& cohort : view_->cohorts()) {
    const std::optional<std::int64_t> endpoint = known_endpoint(store, cohort.endpoint);
    if (!endpoint) continue;
    CohortRow row;
    row.endpoint = *endpoint;
    row.first_request = stored_size(cohort.first_request);
    row.last_request = stored_size(cohort.last_request);
    row.live_bytes = cohort.live_bytes;
    if (cohort.block_bytes) {
      row.block_bytes = stored_size(*cohort.block_bytes);
      row.live_blocks = stored_size(cohort.live_blocks);
    }
    cohorts.push_back(row);
    std::int64_t& held = retained[*endpoint];
    held = saturating_add(held, row.live_bytes);
  }
  store.replace_cohorts(row_.id, cohorts);
  return retained;
}

void WorkerFeed::replace_flows(Store& store) {
  std::vector<FlowRow> flows;
  for (const ledger::Flow& flow : view_->flows()) {
    const std::optional<std::int64_t> owner = known_endpoint(store, flow.owner_endpoint);
    if (!owner) continue;
    flows.push_back(
        {0, *owner, known_endpoint(store, flow.freer_endpoint), stored_size(flow.bytes), stored_size(flow.blocks)});
  }
  store.replace_flows(row_.id, flows);
}

std::optional<std::int64_t> WorkerFeed::stack(Store& store, std::uint32_t id) {
  if (const auto known = stacks_.find(id); known != stacks_.end()) return known->second;
  std::optional<std::int64_t> stored;
  if (const std::optional<ledger::Stack> stack = view_->stack(id)) {
    StackRow row;
    row.truncated = stack->truncated;
    for (const ledger::Place& place : stack->places) {
      row.places.push_back(store.intern_place({0, clean_text(place.function), clean_text(place.file), place.line}));
    }
    stored = store.intern_stack(row);
  }
  return stacks_[id] = stored;
}

void WorkerFeed::replace_sites(Store& store) {
  std::vector<SiteRow> rows;
  for (const ledger::Site& site : view_->sites()) {
    SiteRow row;
    row.endpoint = known_endpoint(store, site.endpoint);
    row.stack = stack(store, site.stack);
    row.samples = stored_size(site.samples);
    row.allocated_bytes = site.allocated_bytes;
    row.peak_bytes = site.peak_bytes;
    row.retained_bytes = site.retained_bytes;
    row.retained_blocks = site.retained_blocks;
    row.retained_samples = stored_size(site.retained_samples);
    rows.push_back(row);
  }
  store.replace_sites(row_.id, rows);
}

}  // namespace heapledger::recording
