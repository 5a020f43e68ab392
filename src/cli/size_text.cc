#include "cli/size_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace heapledger::cli {
namespace {

constexpr std::array<std::pair<std::string_view, double>, 19> kUnits{{
    {"", 1},         {"B", 1},       {"Ki", 0x1p10},  {"KiB", 0x1p10}, {"Mi", 0x1p20}, {"MiB", 0x1p20}, {"Gi", 0x1p30},
    {"GiB", 0x1p30}, {"Ti", 0x1p40}, {"TiB", 0x1p40}, {"kB", 1e3},     {"KB", 1e3},    {"MB", 1e6},     {"GB", 1e9},
    {"TB", 1e12},    {"k", 1e3},     {"M", 1e6},      {"G", 1e9},      {"T", 1e12},
}};

}  // namespace

std::int64_t parse_size(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  for (const auto& [name, factor] : kUnits) {
    if (error != std::errc() || unit != name) continue;
    const double bytes = number * factor;
    if (!(bytes >= 0) || bytes >= 0x1p62 || std::isnan(bytes)) break;
    return static_cast<std::int64_t>(bytes);
  }
  throw std::invalid_argument("not a size: " + text + " (say 512MiB or 1GiB)");
}

}  // namespace heapledger::cli
