// The largest load that stays within a risk: rates, requests at once, workers; and what a request has to be reckoned
// with at that load.
//
// Risk: at most so many requests a day that come upon memory that is full, or fill it (load_model.h, at_risk).
// Each search is by halving over a figure that the risk grows with. Pure functions; allocate.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/load_model.h"
#include "heapledger/rate_limiter.h"

namespace heapledger::analysis {

// The factor by which the whole load may grow; below 1 it has to shrink. Greater than 0.
double safe_factor(const std::vector<LoadClass>& load, double headroom_bytes, double risk_per_day);

// Rates of each class that hold together. A load that may grow grows alike; of one that has to shrink the classes that
// exceed most are cut first, others stay as they are.
std::vector<double> safe_rates(const std::vector<LoadClass>& load, double headroom_bytes, double risk_per_day,
                               double factor);

// Requests of the recorded mix at once, all the time, whatever comes: each place is taken again as soon as it is free.
// 0: not even one. kMostConcurrency: so many, and perhaps more.
std::uint64_t safe_concurrency(const std::vector<LoadClass>& load, double headroom_bytes, double risk_per_day);

// alpha_i(t) = E integral (exp(t m_i) - 1) dt / t at the t for which the load of these rates is at the risk
// (sum lambda_i E integral m_i exp(t m_i) dt = headroom): with it limits are linear,
// sum lambda_i alpha_i <= headroom - log(1 / probability) / t, so that alpha_i is what a request of a kind costs.
// Byte-seconds of one request of each class; no more than the headroom for as long as it runs. Source: F. Kelly, Notes
// on effective bandwidths (1996).
std::vector<double> effective_byte_seconds(const std::vector<LoadClass>& load, const std::vector<double>& rates,
                                           double headroom_bytes);

// Requests of one class at once from a level on, all at their peak at one moment, that fit with 99 % certainty. Of
// those that hold nothing kMostConcurrency.
std::uint64_t burst_of(const LoadClass& one, double room_bytes);

// What the load holds at most, 99 % of the time; the headroom itself where it is more.
double high_level(const std::vector<LoadClass>& load, double headroom_bytes);

}  // namespace heapledger::analysis
