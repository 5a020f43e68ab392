// How far a count may be from what it stands for. Pure; no allocation; fork-safe.
//
// A sum estimated from n sampled blocks of like weight is n times a constant, n Poisson distributed: its relative error
// is about 1 / sqrt(n), and the exact interval for the mean of n is chi-square's.
// Source: F. Garwood, Fiducial limits for the Poisson distribution, Biometrika 28 (1936).
#pragma once

#include <cstdint>

namespace heapledger::analysis::statistics {

// The interval for the Poisson mean behind `count`, as shares of the count: [low, high] around 1. count above 0.
struct CountInterval {
  double low_ratio = 0;
  double high_ratio = 0;
};
CountInterval poisson_interval(std::uint64_t count, double confidence_ratio);

}  // namespace heapledger::analysis::statistics
