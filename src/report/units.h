// Figures as people read them. JSON and CSV never pass here: they carry plain integers and seconds.
// Pure functions; thread-safe; allocate their result; independent of the locale.
#pragma once

#include <cstdint>
#include <string>

namespace heapledger::report {

// "512 B", "1.1 KiB", "91.0 MiB", "162 MiB": three digits at least, in the largest unit that leaves a whole number.
std::string format_bytes(std::uint64_t bytes);

// A unit shared by several figures, so that they can be compared and added by eye: "412 MiB = 190 + 157 + ...".
struct ByteUnit {
  const char* name;
  std::uint64_t bytes;
  int decimals;
};
ByteUnit byte_unit_for(std::uint64_t largest_bytes);
std::string format_in(ByteUnit unit, double bytes);  // without the unit's name

// "18,204".
std::string format_count(std::uint64_t count);

// "850 us", "12.5 ms", "3.20 s", "5 min 29 s", "2 h 05 min", "3 d 04 h".
std::string format_duration(double seconds);

// "61 %", "1.9 %", "< 0.1 %", "0 %"; never "100 %" for less than all.
std::string format_percent(double ratio);

// "2026-11-24T14:05:33.250000Z", and its clock alone: "14:05:33 UTC".
std::string format_iso_time(std::int64_t unix_us);
std::string format_clock(std::int64_t unix_us);

}  // namespace heapledger::report
