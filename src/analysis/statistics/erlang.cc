#include "analysis/statistics/erlang.h"

#include <algorithm>

namespace heapledger::analysis::statistics {
namespace {

constexpr double kLargestLoad = 1e6;

double waiting_from_blocking(double blocking, double servers, double load) {
  const double ratio = load / servers;
  return ratio >= 1 ? 1 : blocking / (1 - ratio * (1 - blocking));
}

}  // namespace

double probability_of_waiting(std::uint64_t servers, double load) {
  if (!(load > 0)) {
    return servers == 0 ? 1 : 0;
  }
  double blocking = 1;
  for (std::uint64_t c = 1; c <= servers; ++c) {
    blocking = load * blocking / (static_cast<double>(c) + load * blocking);
  }
  return servers == 0 ? 1 : waiting_from_blocking(blocking, static_cast<double>(servers), load);
}

std::uint64_t servers_needed(double load, double probability) {
  const double known = load > 0 ? std::min(load, kLargestLoad) : 0;
  double blocking = 1;
  std::uint64_t servers = 0;
  double waiting = 1;
  while (servers == 0 || waiting > probability) {
    ++servers;
    blocking = known * blocking / (static_cast<double>(servers) + known * blocking);
    waiting = waiting_from_blocking(blocking, static_cast<double>(servers), known);
  }
  return servers;
}

}  // namespace heapledger::analysis::statistics
