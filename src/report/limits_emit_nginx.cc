#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>

#include "report/limits_emit.h"
#include "report/limits_words.h"
#include "report/printable.h"
#include "report/requests_lines.h"

namespace heapledger::report {
namespace {

using analysis::EndpointLimit;
using analysis::LimitsResult;

std::string literal(std::string_view text) {
  std::string pattern;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const bool plain = (byte >= '0' && byte <= '9') || ((byte | 0x20U) >= 'a' && (byte | 0x20U) <= 'z') ||
                       byte == '/' || byte == '-' || byte == '_';
    pattern += plain ? std::string(1, character) : fmt::format("\\x{:02x}", byte);
  }
  return pattern;
}

// What a placeholder's inside says of the slashes it takes: {path:path}, <path:path>.
const char* placeholder(std::string_view inside) {
  return inside.ends_with(":path") || inside.starts_with("path:") ? ".+" : "[^/]+";
}

// nginx counts whole requests a second or a minute.
std::string nginx_rate(double per_second) {
  if (per_second >= 60) {
    return fmt::format("{}r/s", static_cast<std::uint64_t>(std::min(per_second, 1e6)));
  }
  return fmt::format("{}r/m", std::max<std::uint64_t>(1, static_cast<std::uint64_t>(per_second * 60)));
}

// Rare enough for no rate that nginx can keep, and not made harmless by a limit of its body.
bool is_refused(const EndpointLimit& limit) {
  return !limit.max_body_bytes &&
         ((!limit.concurrency && !limit.any_concurrency) || limit.requests_per_second.value_or(0) * 60 < 1);
}

struct Rules {
  std::string zones;                            // of http
  std::string limits;                           // of server
  std::map<std::string, std::uint64_t> bodies;  // by pattern; the least of its methods
};

void add_rules(const EndpointLimit& limit, std::size_t number, Rules& rules) {
  const std::string pattern = route_pattern(limit.endpoint.route);
  rules.zones += fmt::format(
      "\n# {}\nmap \"$request_method:$uri\" $heapledger_{} {{\n    default \"\";\n    \"~^{}:{}\" \"1\";\n}}\n",
      endpoint_name(limit.endpoint.method, limit.endpoint.route, limit.endpoint.version), number,
      literal(limit.endpoint.method), pattern.substr(1));
  if (is_refused(limit)) {
    rules.limits += fmt::format("    if ($heapledger_{}) {{\n        return 503;\n    }}\n", number);
    return;
  }
  rules.zones += fmt::format(
      "limit_req_zone $heapledger_{0} zone=heapledger_rate_{0}:64k rate={1};\n"
      "limit_conn_zone $heapledger_{0} zone=heapledger_conn_{0}:64k;\n",
      number, nginx_rate(limit.requests_per_second.value_or(0)));
  const std::string burst = limit.burst.value_or(0) > 0
                                ? fmt::format(" burst={} nodelay", std::min<std::uint64_t>(*limit.burst, 100'000))
                                : "";
  rules.limits += fmt::format("    limit_req zone=heapledger_rate_{}{};\n", number, burst);
  rules.limits +=
      fmt::format("    limit_conn heapledger_conn_{} {};\n", number,
                  std::clamp<std::uint64_t>(limit.concurrency.value_or(limit.any_concurrency ? 65'535 : 1), 1, 65'535));
  if (limit.max_body_bytes) {
    const auto [found, added] = rules.bodies.try_emplace(pattern, *limit.max_body_bytes);
    found->second = std::min(found->second, *limit.max_body_bytes);
  }
}

}  // namespace

std::string route_pattern(std::string_view route) {
  std::string pattern = "^";
  while (!route.empty()) {
    const char open = route.front();
    const std::size_t end = open == '{' ? route.find('}') : open == '<' ? route.find('>') : std::string_view::npos;
    if (end != std::string_view::npos) {
      pattern += placeholder(route.substr(1, end - 1));
      route.remove_prefix(end + 1);
      continue;
    }
    const std::size_t next = std::min(route.find_first_of("{<", 1), route.size());
    pattern += literal(route.substr(0, next));
    route.remove_prefix(next);
  }
  return pattern + "$";
}

std::string nginx_limits(const LimitsResult& result) {
  if (!result.limits.concurrency && !result.limits.any_concurrency) {
    throw std::invalid_argument("not even one request at once is safe within this memory limit");
  }
  Rules rules;
  std::size_t number = 0;
  for (const EndpointLimit& limit : result.limits.endpoints) {
    if (limit.endpoint.route.starts_with('/')) {
      add_rules(limit, ++number, rules);
    }
  }
  std::string text = emit_heading(result, "# ", "include it in http { }, and set where the service and nginx listen");
  text += "\nupstream heapledger_service {\n    server 127.0.0.1:8000;\n}\n";
  text +=
      "\nmap $request_method $heapledger_all {\n    default service;\n}\n"
      "limit_conn_zone $heapledger_all zone=heapledger_all:64k;\n" +
      rules.zones;
  text += fmt::format(
      "\nserver {{\n    listen 8080;\n    limit_conn_status 503;\n    limit_req_status 503;\n"
      "    # A request goes on when its client has left: it still counts.\n"
      "    proxy_ignore_client_abort on;\n    proxy_next_upstream off;\n"
      "    limit_conn heapledger_all {};\n{}",
      std::min<std::uint64_t>(result.limits.concurrency.value_or(65'535), 65'535), rules.limits);
  for (const auto& [pattern, bytes] : rules.bodies) {
    text += fmt::format(
        "    location ~ \"{}\" {{\n        client_max_body_size {};\n"
        "        proxy_pass http://heapledger_service;\n    }}\n",
        pattern, bytes);
  }
  return text + "    location / {\n        proxy_pass http://heapledger_service;\n    }\n}\n";
}

}  // namespace heapledger::report
