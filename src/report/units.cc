#include "report/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace heapledger::report {
namespace {

struct Prefix {
  const char* name;
  std::uint64_t bytes;
};
constexpr std::array kPrefixes{Prefix{"B", 1},
                               Prefix{"KiB", 1ULL << 10},
                               Prefix{"MiB", 1ULL << 20},
                               Prefix{"GiB", 1ULL << 30},
                               Prefix{"TiB", 1ULL << 40},
                               Prefix{"PiB", 1ULL << 50},
                               Prefix{"EiB", 1ULL << 60}};

struct Civil {
  int year;
  unsigned month;
  unsigned day;
  std::int64_t hour;
  std::int64_t minute;
  std::int64_t second;
  std::int64_t microsecond;
};

Civil civil_of(std::int64_t unix_us) {
  // Outside of the years 0 to 9999 there is no ISO 8601 form: a time beyond is a damaged one.
  const std::int64_t shown_us = std::clamp<std::int64_t>(unix_us, -62'167'219'200'000'000, 253'402'300'799'999'999);
  const std::chrono::sys_time<std::chrono::microseconds> at{std::chrono::microseconds(shown_us)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{at - day};
  return {int(date.year()),        unsigned(date.month()),  unsigned(date.day()),      clock.hours().count(),
          clock.minutes().count(), clock.seconds().count(), clock.subseconds().count()};
}

}  // namespace

ByteUnit byte_unit_for(std::uint64_t largest_bytes) {
  Prefix chosen = kPrefixes.front();
  for (const Prefix& prefix : kPrefixes) {
    // From 1023.5 on the smaller unit would round to 1024.
    if (static_cast<double>(largest_bytes) >= static_cast<double>(prefix.bytes) * (1023.5 / 1024)) {
      chosen = prefix;
    }
  }
  const double in_unit = static_cast<double>(largest_bytes) / static_cast<double>(chosen.bytes);
  return {chosen.name, chosen.bytes, chosen.bytes > 1 && in_unit < 99.95 ? 1 : 0};
}

std::string format_in(ByteUnit unit, double bytes) {
  return fmt::format("{:.{}f}", bytes / static_cast<double>(unit.bytes), unit.decimals);
}

std::string format_bytes(std::uint64_t bytes) {
  const ByteUnit unit = byte_unit_for(bytes);
  return fmt::format("{} {}", format_in(unit, static_cast<double>(bytes)), unit.name);
}

std::string format_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t i = digits.size(); i > 3; i -= 3) {
    digits.insert(i - 3, 1, ',');
  }
  return digits;
}

std::string format_duration(double seconds) {
  if (!(seconds >= 0) || !std::isfinite(seconds)) {
    return "?";
  }
  if (seconds < 0.9995e-3) {
    return fmt::format("{:.0f} us", seconds * 1e6);
  }
  if (seconds < 0.9995) {
    return fmt::format("{:.{}f} ms", seconds * 1e3, seconds < 0.09995 ? 1 : 0);
  }
  if (seconds < 59.95) {
    return fmt::format("{:.1f} s", seconds);
  }
  const double whole = std::round(seconds);
  const auto total = whole < 9e15 ? static_cast<std::uint64_t>(whole) : 9'000'000'000'000'000ULL;
  if (total < 3600) {
    return fmt::format("{} min {:02} s", total / 60, total % 60);
  }
  const std::uint64_t minutes = (total + 30) / 60;
  if (minutes < std::uint64_t{24} * 60) {
    return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
  }
  const std::uint64_t hours = (total + 1800) / 3600;
  return fmt::format("{} d {:02} h", hours / 24, hours % 24);
}

std::string format_percent(double ratio) {
  if (!std::isfinite(ratio)) {
    return "?";
  }
  if (ratio <= 0) {
    return "0 %";
  }
  if (ratio < 0.001) {
    return "< 0.1 %";
  }
  if (ratio < 0.0995) {
    return fmt::format("{:.1f} %", ratio * 100);
  }
  return ratio < 1 && ratio >= 0.995 ? "> 99 %" : fmt::format("{:.0f} %", ratio * 100);
}

std::string format_iso_time(std::int64_t unix_us) {
  const Civil at = civil_of(unix_us);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", at.year, at.month, at.day, at.hour, at.minute,
                     at.second, at.microsecond);
}

std::string format_clock(std::int64_t unix_us) {
  const Civil at = civil_of(unix_us);
  return fmt::format("{:02}:{:02}:{:02} UTC", at.hour, at.minute, at.second);
}

}  // namespace heapledger::report
