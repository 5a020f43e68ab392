#include "report/limits_emit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "report/json_document.h"
#include "report/limits_words.h"
#include "report/printable.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::EmitTarget;
using analysis::LimitsResult;

// Each has a stack and its own arena of malloc's, and Python runs one at a time: more are of no use, whatever fits.
constexpr std::uint64_t kMostThreads = 64;

std::uint64_t concurrency_of(const LimitsResult& result) {
  if (!result.limits.concurrency && !result.limits.any_concurrency) {
    throw std::invalid_argument("not even one request at once is safe within this memory limit");
  }
  return result.limits.concurrency.value_or(analysis::kMostConcurrency);
}

std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', true, Json::error_handler_t::replace); }

// Workers and requests at once in each of them: their product is within the limit.
struct Split {
  std::uint64_t workers;
  std::uint64_t each;
};

Split split_of(const LimitsResult& result) {
  const std::uint64_t at_once = concurrency_of(result);
  const std::uint64_t workers = std::min(emitted_workers(result), at_once);
  return {workers, at_once / workers};
}

std::string gunicorn_limits(const LimitsResult& result) {
  const Split split = split_of(result);
  std::string text = emit_heading(result, "# ", "gunicorn -c gunicorn.conf.py APP");
  text += fmt::format("workers = {}\nworker_class = \"gthread\"\nthreads = {}\n", split.workers,
                      std::min(split.each, kMostThreads));
  if (result.limits.max_requests) {
    text +=
        fmt::format("max_requests = {}\nmax_requests_jitter = {}\n",
                    std::max<std::uint64_t>(1, *result.limits.max_requests * 9 / 10), *result.limits.max_requests / 10);
  }
  return text;
}

std::string uvicorn_limits(const LimitsResult& result) {
  const Split split = split_of(result);
  std::string text = emit_heading(result, "# ", "python THIS_FILE package.module:app");
  text += "import sys\n\nimport uvicorn\n\n";
  text += "# limit_concurrency answers 503 to the connection that reaches it, idle ones counted.\n";
  text += fmt::format("settings = {{\n    \"workers\": {},\n    \"limit_concurrency\": {},\n", split.workers,
                      split.each + 1);
  if (result.limits.max_requests) {
    text += fmt::format("    \"limit_max_requests\": {},\n", *result.limits.max_requests);
  }
  return text + "}\n\nif __name__ == \"__main__\":\n    uvicorn.run(sys.argv[1], **settings)\n";
}

// "240 per 3 seconds": the shortest window in which the dearest request fits.
std::string window_of(const LimitsResult& result) {
  std::uint64_t dearest = 1;
  for (const auto& cost : result.costs) {
    dearest = std::max(dearest, cost.tokens.value_or(1));
  }
  const double per_second = result.limits.tokens_per_second.value_or(0) / static_cast<double>(emitted_workers(result));
  if (!(per_second > 1e-9)) {
    throw std::invalid_argument("no rate is safe within this memory limit");
  }
  const double seconds = std::max(1.0, std::ceil(static_cast<double>(dearest) / per_second));
  return fmt::format("{} per {:.0f} seconds",
                     std::max(dearest, static_cast<std::uint64_t>(std::min(1e15, per_second * seconds))), seconds);
}

std::string token_table(const LimitsResult& result) {
  std::string text = "TOKENS = {\n";
  for (const auto& cost : result.costs) {
    if (cost.tokens) {
      text +=
          fmt::format("    ({}, {}): {},\n", quoted(cost.endpoint.method), quoted(cost.endpoint.route), *cost.tokens);
    }
  }
  return text + "}\n";
}

std::string shared_note(const LimitsResult& result) {
  return fmt::format(
      "# Each of {} workers counts by itself. With shared storage (storage_uri=\"redis://...\") raise LIMIT\n"
      "# accordingly. A token is {} of memory for a second.\n",
      emitted_workers(result), format_bytes(static_cast<std::uint64_t>(result.limits.token_byte_seconds.value_or(0))));
}

std::string flask_limiter_limits(const LimitsResult& result) {
  std::string text = emit_heading(result, "# ", "from THIS_FILE import limiter; limiter.init_app(app)");
  text += shared_note(result) + "from flask import request\nfrom flask_limiter import Limiter\n\n";
  text += fmt::format("LIMIT = \"{}\"\n", window_of(result)) + token_table(result);
  return text +
         "\n\ndef tokens() -> int:\n    \"\"\"What the current request costs.\"\"\"\n"
         "    rule = request.url_rule\n"
         "    return TOKENS.get((request.method, rule.rule if rule is not None else \"<unmatched>\"), 1)\n\n\n"
         "limiter = Limiter(\n    key_func=lambda: \"service\",\n    application_limits=[LIMIT],\n"
         "    application_limits_cost=tokens,\n    strategy=\"moving-window\",\n    storage_uri=\"memory://\",\n)\n";
}

std::string slowapi_limits(const LimitsResult& result) {
  std::string text = emit_heading(result, "# ", "@limit_for(\"GET\", \"/route\") below the route's own decorator");
  text += shared_note(result);
  text += "from collections.abc import Callable\nfrom typing import Any\n\nfrom slowapi import Limiter\n\n";
  text += fmt::format("LIMIT = \"{}\"\n", window_of(result)) + token_table(result);
  return text +
         "\nlimiter = Limiter(key_func=lambda: \"service\", strategy=\"moving-window\", "
         "storage_uri=\"memory://\")\n\n\n"
         "def limit_for(method: str, route: str) -> Callable[..., Any]:\n"
         "    \"\"\"The decorator that makes an endpoint pay for its requests.\"\"\"\n"
         "    return limiter.shared_limit(LIMIT, scope=\"heapledger\", cost=TOKENS.get((method, route), 1))\n";
}

}  // namespace

std::uint64_t emitted_workers(const LimitsResult& result) {
  const std::uint64_t now = std::max<std::uint64_t>(1, result.limits.workers_now);
  return std::max<std::uint64_t>(1, std::min(now, result.limits.worker_count.value_or(now)));
}

std::string emit_heading(const LimitsResult& result, const char* mark, const std::string& how_to) {
  return fmt::format(
      "{0}Limits that keep the service within its memory, from heapledger limits {1}.\n"
      "{0}budget: {2}\n{0}risk: {3}\n{0}use: {4}\n",
      mark, printable(shell_quoted(printable(result.recording.path))), budget_words(result), risk_words(result),
      how_to);
}

std::string emit_limits(const LimitsResult& result, EmitTarget target) {
  if (const std::string why = missing_words(result); !why.empty()) {
    throw std::invalid_argument("no limits can be stated: " + why);
  }
  if (result.chosen) {
    throw std::invalid_argument("a configuration limits all endpoints: choose no route and no method");
  }
  switch (target) {
    case EmitTarget::kNginx:
      return nginx_limits(result);
    case EmitTarget::kGunicorn:
      return gunicorn_limits(result);
    case EmitTarget::kUvicorn:
      return uvicorn_limits(result);
    case EmitTarget::kFlaskLimiter:
      return flask_limiter_limits(result);
    case EmitTarget::kSlowapi:
      break;
  }
  return slowapi_limits(result);
}

}  // namespace heapledger::report
