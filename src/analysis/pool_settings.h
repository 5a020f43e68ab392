// What libraries call the settings of a pool, and the line of configuration that sets one.
//
// Known: SQLAlchemy, psycopg_pool, redis-py, httpx and httpcore, Django; matched in any case, by the beginning of the
// name. Of another library settings have the names that the recording uses. Pure functions; thread-safe; allocate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "heapledger/pool_monitor.h"
#include "recording/pool_rows.h"

namespace heapledger::analysis {

// Absent: the library has no such setting.
std::optional<std::string> setting_name(const std::string& library, PoolSetting setting);

std::string config_line(const std::string& library, PoolSetting setting, double value);

// As it is set: connections, or seconds. Absent: no limit, or not known. Overflow is beyond the size that is kept.
std::optional<double> setting_value(const recording::PoolRow& row, PoolSetting setting);

// Most connections that such a pool may have, overflow included.
std::optional<std::uint64_t> most_connections(const recording::PoolRow& row);

// How many it keeps open when they are idle; absent where it keeps all.
std::optional<std::uint64_t> kept_connections(const recording::PoolRow& row);

// True where the size that is kept and what may come on top are two settings (SQLAlchemy).
bool has_overflow(const std::string& library);

}  // namespace heapledger::analysis
