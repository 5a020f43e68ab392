#include "analysis/version_payloads.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace heapledger::analysis {
namespace {

constexpr double kStrataPerOctave = 4;
constexpr double kVariesFrom = 1.5;  // largest over smallest, of the middle nine tenths
constexpr std::uint64_t kVariesFromBytes = 64;
constexpr double kBodiesInCommon = 0.5;
constexpr double kRepliesInCommon = 0.8;

using Sizes = std::vector<std::uint64_t>;

struct Stratum {
  std::size_t from = 0;
  std::size_t to = 0;
  bool has_both() const { return from > 0 && to > 0; }
};
using Strata = std::map<int, Stratum>;

int stratum_of(std::uint64_t bytes) {
  return bytes == 0 ? 0 : 1 + static_cast<int>(std::floor(kStrataPerOctave * std::log2(static_cast<double>(bytes))));
}

struct Range {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

Range middle_of(Sizes sizes) {
  const auto at = [&sizes](std::size_t twentieths) {
    const auto place = sizes.begin() + static_cast<std::ptrdiff_t>((sizes.size() - 1) * twentieths / 20);
    std::nth_element(sizes.begin(), place, sizes.end());
    return *place;
  };
  return {at(1), at(19)};
}

bool varies(const Sizes& from, const Sizes& to) {
  const Range a = middle_of(from);
  const Range b = middle_of(to);
  const std::uint64_t low = std::min(a.low, b.low);
  const std::uint64_t high = std::max(a.high, b.high);
  return high - low >= kVariesFromBytes && static_cast<double>(high) >= kVariesFrom * static_cast<double>(low);
}

Strata count_strata(const Sizes& from, const Sizes& to) {
  Strata strata;
  for (const std::uint64_t bytes : from) {
    ++strata[stratum_of(bytes)].from;
  }
  for (const std::uint64_t bytes : to) {
    ++strata[stratum_of(bytes)].to;
  }
  return strata;
}

// The smaller of both versions' shares of requests that have a counterpart.
double share_in_common(const Strata& strata, std::size_t from_count, std::size_t to_count) {
  std::size_t from = 0;
  std::size_t to = 0;
  for (const auto& [index, stratum] : strata) {
    from += stratum.has_both() ? stratum.from : 0;
    to += stratum.has_both() ? stratum.to : 0;
  }
  return std::min(static_cast<double>(from) / static_cast<double>(from_count),
                  static_cast<double>(to) / static_cast<double>(to_count));
}

// Counting sort of the requests by stratum, those without a counterpart left out.
StratifiedRequests arrange(const Sizes& sizes, const Strata& strata, std::size_t Stratum::*side) {
  StratifiedRequests arranged;
  std::map<int, std::size_t> next;
  std::size_t end = 0;
  for (const auto& [index, stratum] : strata) {
    if (stratum.has_both()) {
      next[index] = end;
      end += stratum.*side;
      arranged.ends.push_back(end);
    }
  }
  arranged.order.resize(end);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto place = next.find(stratum_of(sizes[i]));
    if (place != next.end()) {
      arranged.order[place->second++] = static_cast<std::uint32_t>(i);
    }
  }
  return arranged;
}

StratifiedRequests all_of(std::size_t count) {
  StratifiedRequests all;
  all.order.resize(count);
  std::iota(all.order.begin(), all.order.end(), std::uint32_t{0});
  all.ends = {count};
  return all;
}

PayloadStrata in_strata(const char* by, const Sizes& from, const Sizes& to, const Strata& strata) {
  return {by, false, arrange(from, strata, &Stratum::from), arrange(to, strata, &Stratum::to)};
}

}  // namespace

PayloadStrata all_payloads(std::size_t from_count, std::size_t to_count) {
  return {"", false, all_of(from_count), all_of(to_count)};
}

PayloadStrata match_payloads(const VersionColumns& from, const VersionColumns& to) {
  PayloadStrata plain = all_payloads(from.size(), to.size());
  if (from.size() == 0 || to.size() == 0) {
    return plain;
  }
  if (varies(from.received_bytes, to.received_bytes)) {
    const Strata strata = count_strata(from.received_bytes, to.received_bytes);
    if (share_in_common(strata, from.size(), to.size()) >= kBodiesInCommon) {
      return in_strata("received_bytes", from.received_bytes, to.received_bytes, strata);
    }
    plain.are_different = true;
    return plain;
  }
  if (varies(from.sent_bytes, to.sent_bytes)) {
    const Strata strata = count_strata(from.sent_bytes, to.sent_bytes);
    if (share_in_common(strata, from.size(), to.size()) >= kRepliesInCommon) {
      return in_strata("sent_bytes", from.sent_bytes, to.sent_bytes, strata);
    }
  }
  return plain;
}

}  // namespace heapledger::analysis
