#include "analysis/pool_settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <string_view>

#include "recording/recording.h"

namespace heapledger::analysis {
namespace {

constexpr double kUnlimited = 2147483647;  // and above: how libraries write it

// `call`: the line with {} for "name=value"; empty: the line is the name, =, and the value. nullptr: no such setting.
struct Library {
  std::string_view begins;
  const char* call;
  const char* max_size;
  const char* min_size;
  const char* max_overflow;
  const char* recycle;
  const char* timeout;
};

constexpr std::array kLibraries{
    Library{"sqlalchemy", "create_engine(url, {})", nullptr, "pool_size", "max_overflow", "pool_recycle",
            "pool_timeout"},
    Library{"psycopg", "ConnectionPool(conninfo, {})", "max_size", "min_size", nullptr, "max_lifetime", "timeout"},
    Library{"redis", "redis.ConnectionPool({})", "max_connections", nullptr, nullptr, nullptr, "timeout"},
    Library{"httpx", "httpx.Client(limits=httpx.Limits({}))", "max_connections", "max_keepalive_connections", nullptr,
            nullptr, nullptr},
    Library{"httpcore", "httpx.Client(limits=httpx.Limits({}))", "max_connections", "max_keepalive_connections",
            nullptr, nullptr, nullptr},
    Library{"django", "DATABASES[\"default\"][\"{}", nullptr, nullptr, nullptr, "CONN_MAX_AGE", nullptr},
    Library{"", "{}", "max_size", "min_size", nullptr, "recycle_seconds", "timeout_seconds"}};

const Library& library_of(const std::string& name) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char letter) { return static_cast<char>(std::tolower(static_cast<unsigned char>(letter))); });
  return *std::find_if(kLibraries.begin(), kLibraries.end(),
                       [&](const Library& library) { return lower.starts_with(library.begins); });
}

const char* name_in(const Library& library, PoolSetting setting) {
  switch (setting) {
    case PoolSetting::kMaxSize:
      return library.max_size;
    case PoolSetting::kMinSize:
      return library.min_size;
    case PoolSetting::kMaxOverflow:
      return library.max_overflow;
    case PoolSetting::kRecycle:
      return library.recycle;
    case PoolSetting::kTimeout:
      break;
  }
  return library.timeout;
}

std::optional<double> seconds_of(const std::optional<std::int64_t>& us) {
  return us && *us >= 0 ? std::optional(static_cast<double>(*us) / 1e6) : std::nullopt;
}

std::optional<double> number_of(const std::optional<std::int64_t>& count) {
  return count && *count >= 0 ? std::optional(static_cast<double>(*count)) : std::nullopt;
}

// Whole numbers of connections or seconds. Beyond a billion there is no difference worth a digit.
std::string digits(double value) {
  constexpr double kMost = 1e9;
  return std::to_string(std::llround(std::clamp(std::isfinite(value) ? value : kMost, 0.0, kMost)));
}

std::uint64_t limited_sum(double left, double right) {
  return static_cast<std::uint64_t>(std::min(left + right, 9e18));
}

}  // namespace

std::optional<std::string> setting_name(const std::string& library, PoolSetting setting) {
  const char* name = name_in(library_of(library), setting);
  return name == nullptr ? std::nullopt : std::optional<std::string>(name);
}

std::string config_line(const std::string& library, PoolSetting setting, double value) {
  const Library& known = library_of(library);
  const std::string name = setting_name(library, setting).value_or("");
  if (known.begins == "django") {
    return "DATABASES[\"default\"][\"" + name + "\"] = " + digits(value);
  }
  std::string line = known.call;
  return line.replace(line.find("{}"), 2, name + "=" + digits(value));
}

std::optional<double> setting_value(const recording::PoolRow& row, PoolSetting setting) {
  if (const std::optional<std::string> name = setting_name(row.library, setting)) {
    const std::map<std::string, double> numbers = recording::number_settings(row);
    if (const auto found = numbers.find(*name); found != numbers.end()) {
      return found->second >= 0 && found->second < kUnlimited ? std::optional(found->second) : std::nullopt;
    }
  }
  switch (setting) {
    case PoolSetting::kMaxSize:
      return number_of(row.max_size);
    case PoolSetting::kMinSize:
      return number_of(has_overflow(row.library) ? row.max_size : row.min_size);
    case PoolSetting::kMaxOverflow:
      return number_of(row.max_overflow);
    case PoolSetting::kRecycle:
      return seconds_of(row.recycle_us);
    case PoolSetting::kTimeout:
      break;
  }
  return seconds_of(row.timeout_us);
}

// Where overflow has no limit (-1), or the size kept has none (0), there is none.
std::optional<std::uint64_t> most_connections(const recording::PoolRow& row) {
  if (!has_overflow(row.library)) {
    const std::optional<double> most = setting_value(row, PoolSetting::kMaxSize);
    return most ? std::optional(limited_sum(*most, 0)) : std::nullopt;
  }
  const std::optional<double> kept = setting_value(row, PoolSetting::kMinSize);
  const std::optional<double> more = setting_value(row, PoolSetting::kMaxOverflow);
  return kept && *kept > 0 && more ? std::optional(limited_sum(*kept, *more)) : std::nullopt;
}

std::optional<std::uint64_t> kept_connections(const recording::PoolRow& row) {
  const std::optional<double> kept = setting_value(row, PoolSetting::kMinSize);
  return kept ? std::optional(limited_sum(*kept, 0)) : std::nullopt;
}

bool has_overflow(const std::string& library) { return library_of(library).max_overflow != nullptr; }

}  // namespace heapledger::analysis
