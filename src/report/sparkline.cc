#include "report/sparkline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>

namespace heapledger::report {
namespace {

constexpr std::array<std::string_view, 8> kBars{"\u2581", "\u2582", "\u2583", "\u2584",
                                                "\u2585", "\u2586", "\u2587", "\u2588"};
constexpr std::array<std::string_view, 8> kAsciiBars{"_", ".", ":", "-", "=", "+", "*", "#"};

}  // namespace

std::string sparkline(const std::vector<std::uint64_t>& values, std::uint64_t full, bool ascii) {
  std::string text;
  for (const std::uint64_t value : values) {
    const double share = full == 0 ? 0 : std::min(1.0, static_cast<double>(value) / static_cast<double>(full));
    const auto bar = static_cast<std::size_t>(std::lround(share * (kBars.size() - 1)));
    text += ascii ? kAsciiBars[bar] : kBars[bar];
  }
  return text;
}

}  // namespace heapledger::report
