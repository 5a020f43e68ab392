#include "heapledger/rate_limiter.h"

#include <stdexcept>
#include <utility>

#include "analysis/leaks_analysis.h"
#include "analysis/limits_analysis.h"
#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "analysis/traffic.h"
#include "heapledger/requests.h"
#include "recording/recording.h"

namespace heapledger::analysis {

RateLimiter::RateLimiter(std::string recording_path) : recording_path_(std::move(recording_path)) {}

LimitsResult RateLimiter::analyze(const LimitsOptions& options) const {
  const recording::Recording source(recording_path_);
  MemorySamples samples;
  samples.spans = source.request_spans();
  const RecordingTables tables = read_tables(source, samples.spans);
  samples.timeline = source.timeline();
  samples.segments = source.segment_readings();
  RequestsOptions choice;
  choice.since = options.since;
  choice.until = options.until;
  choice.warmup_us = options.warmup_us;
  Traffic traffic(tables, samples.spans, Selection(choice, tables));
  for (const auto& slice : tables.slices) {
    traffic.add(slice);
  }
  source.for_each_request_level([&traffic](const recording::RequestLevelRow& row) { traffic.add(row); });
  LeakTables survivors;
  survivors.lives = source.endpoint_lives();
  survivors.cohorts = source.cohorts();
  survivors.spans = samples.spans;
  const LeaksResult leaks = find_leaks(tables, survivors, {});
  RequestsOptions listed;
  listed.routes = options.routes;
  listed.methods = options.methods;
  const Selection shown(listed, tables);
  return find_limits({&tables, &traffic, &samples, &leaks, &shown}, options);
}

EmitTarget parse_emit_target(std::string_view name) {
  if (name == "nginx") return EmitTarget::kNginx;
  if (name == "gunicorn") return EmitTarget::kGunicorn;
  if (name == "uvicorn") return EmitTarget::kUvicorn;
  if (name == "flask-limiter") return EmitTarget::kFlaskLimiter;
  if (name == "slowapi") return EmitTarget::kSlowapi;
  throw std::invalid_argument("no configuration for " + std::string(name) +
                              ": nginx, gunicorn, uvicorn, flask-limiter or slowapi");
}

}  // namespace heapledger::analysis
