// Limits as configurations of other programs: nginx, gunicorn, uvicorn, Flask-Limiter, slowapi.
//
// Threat: routes and methods come from the service's clients at worst. Into nginx they go as regular expressions in
// which every byte but letters, digits, / - _ is written as \xHH; into Python as JSON strings of ASCII, which are
// Python's strings, too; into comments by printable(). A route that a placeholder cannot be found in is matched to the
// letter. Pure functions; thread-safe; allocate. Throw std::invalid_argument, with the reason, where no limit can be
// stated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "heapledger/rate_limiter.h"

namespace heapledger::report {

std::string emit_limits(const analysis::LimitsResult& result, analysis::EmitTarget target);

std::string nginx_limits(const analysis::LimitsResult& result);

// "^/orders/[^/]+$" for "/orders/{id}".
std::string route_pattern(std::string_view route);

// What the file holds and rests on, each line after `mark`.
std::string emit_heading(const analysis::LimitsResult& result, const char* mark, const std::string& how_to);

// How many workers may run: as now, or as many as fit.
std::uint64_t emitted_workers(const analysis::LimitsResult& result);

}  // namespace heapledger::report
