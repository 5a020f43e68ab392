// Durations and moments as users write them: Moment::parse and parse_duration_us of heapledger/recording_info.h.
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "heapledger/recording_info.h"

namespace heapledger::analysis {
namespace {

constexpr double kLongestDurationUs = 9e15;  // 285 years: below it microseconds are exact in a double

struct Unit {
  std::string_view name;
  double microseconds;
};
constexpr std::array kUnits{Unit{"", 1e6},   Unit{"s", 1e6},    Unit{"ms", 1e3},   Unit{"us", 1},
                            Unit{"m", 60e6}, Unit{"min", 60e6}, Unit{"h", 3600e6}, Unit{"d", 86400e6}};

std::optional<std::int64_t> duration_us(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || number < 0 || text.front() == '-' || !std::isfinite(number)) {
    return std::nullopt;
  }
  std::string_view name(end, static_cast<std::size_t>(text.data() + text.size() - end));
  name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
  for (const Unit& unit : kUnits) {
    const double microseconds = number * unit.microseconds;
    if (name == unit.name && microseconds <= kLongestDurationUs) {
      return std::llround(microseconds);
    }
  }
  return std::nullopt;
}

// Reads exactly `digits` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) {
    return std::nullopt;
  }
  int value = 0;
  for (const char digit : text.substr(0, digits)) {
    if (digit < '0' || digit > '9') {
      return std::nullopt;
    }
    value = value * 10 + (digit - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take_char(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

// ".25" after the seconds; more digits than microseconds have are cut.
std::optional<std::int64_t> take_fraction_us(std::string_view& text) {
  if (!take_char(text, ".,")) {
    return 0;
  }
  std::int64_t fraction_us = 0;
  std::int64_t weight = 100'000;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    fraction_us += (text[digits] - '0') * weight;
    weight /= 10;
  }
  text.remove_prefix(digits);
  return digits == 0 ? std::nullopt : std::optional(fraction_us);
}

// "Z", "+02:00", "-0530" or nothing, in seconds east of UTC.
std::optional<int> take_zone_seconds(std::string_view& text) {
  if (text.empty() || take_char(text, "Zz")) {
    return 0;
  }
  const bool west = text.front() == '-';
  if (!take_char(text, "+-")) {
    return std::nullopt;
  }
  const auto hours = take_number(text, 2);
  take_char(text, ":");
  const auto minutes = take_number(text, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) {
    return std::nullopt;
  }
  return (west ? -1 : 1) * (*hours * 3600 + *minutes * 60);
}

std::optional<std::int64_t> take_days_us(std::string_view& text) {
  const auto year = take_number(text, 4);
  const bool first = take_char(text, "-");
  const auto month = take_number(text, 2);
  const bool second = take_char(text, "-");
  const auto day = take_number(text, 2);
  if (!year || !first || !month || !second || !day) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) {
    return std::nullopt;
  }
  return std::chrono::microseconds(std::chrono::sys_days(date).time_since_epoch()).count();
}

std::optional<std::int64_t> take_clock_us(std::string_view& text) {
  const auto hour = take_number(text, 2);
  const bool colon = take_char(text, ":");
  const auto minute = take_number(text, 2);
  const auto second = take_char(text, ":") ? take_number(text, 2) : std::optional<int>(0);
  if (!hour || !colon || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  const auto fraction_us = take_fraction_us(text);
  if (!fraction_us) {
    return std::nullopt;
  }
  return (*hour * 3600 + *minute * 60 + *second) * 1'000'000LL + *fraction_us;
}

std::optional<std::int64_t> calendar_us(std::string_view text) {
  const auto days_us = take_days_us(text);
  const bool between = take_char(text, "Tt ");
  const auto clock_us = between ? take_clock_us(text) : std::optional<std::int64_t>(0);
  if (!days_us || !clock_us) {
    return std::nullopt;
  }
  const auto zone_seconds = take_zone_seconds(text);
  if (!zone_seconds || !text.empty()) {
    return std::nullopt;
  }
  return *days_us + *clock_us - *zone_seconds * 1'000'000LL;
}

}  // namespace

std::int64_t parse_duration_us(std::string_view text) {
  const auto parsed = text.empty() ? std::nullopt : duration_us(text);
  if (!parsed) {
    throw std::invalid_argument("\"" + std::string(text) + "\" is not a duration; write it like 90s, 1.5m or 2h");
  }
  return *parsed;
}

Moment Moment::parse(std::string_view text) {
  if (const auto unix_us = calendar_us(text)) {
    return {Base::kUnix, *unix_us};
  }
  const bool from_end = !text.empty() && text.front() == '-';
  const std::string_view length = from_end ? text.substr(1) : text;
  const auto parsed = length.empty() ? std::nullopt : duration_us(length);
  if (!parsed) {
    throw std::invalid_argument("\"" + std::string(text) +
                                "\" is not a time; write 90s or 5m after the start, -5m before the end, or "
                                "2026-11-24T14:05:33Z");
  }
  return from_end ? Moment{Base::kEnd, -*parsed} : Moment{Base::kStart, *parsed};
}

}  // namespace heapledger::analysis
