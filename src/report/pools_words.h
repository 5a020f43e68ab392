// The sentences of `heapledger pools`: each one fact of a pool in words. Pure functions; thread-safe; allocate.
#pragma once

#include <string>

#include "heapledger/pool_monitor.h"

namespace heapledger::report {

// What the pattern is told by, or what is missing for one.
std::string trend_reason(const analysis::PoolTrend& trend);

// Why a connection is on the list.
std::string pool_leak_reason(const analysis::PoolLeak& leak);

// Why no size is recommended; empty: nothing stands against it.
std::string sizes_withheld_reason(const analysis::PoolUse& pool);

std::string recommendation_reason(const analysis::PoolRecommendation& made);

// "12", "30 s", "no limit": a setting's value.
std::string setting_text(analysis::PoolSetting setting, const std::optional<double>& value);

}  // namespace heapledger::report
