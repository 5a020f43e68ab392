#include "base/clock.h"

#include <time.h>

namespace heapledger::base {
namespace {

std::uint64_t read_ns(clockid_t id) noexcept {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ULL + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t monotonic_ns() noexcept { return read_ns(CLOCK_MONOTONIC); }

std::uint64_t unix_ns() noexcept { return read_ns(CLOCK_REALTIME); }

}  // namespace heapledger::base
