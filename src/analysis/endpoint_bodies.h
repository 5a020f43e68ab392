// The bodies of one endpoint's requests and the memory that they took, kept whole: some 21 bytes a request, 60 more
// where its phases were seen. Allocates. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "analysis/statistics/compact_values.h"
#include "recording/body_rows.h"

namespace heapledger::analysis {

inline constexpr std::size_t kRequestSide = 0;
inline constexpr std::size_t kResponseSide = 1;
inline constexpr std::size_t kSides = 2;

// Content type and encoding of a body, by their numbers in the recording.
using BodyKind = std::pair<std::optional<std::int64_t>, std::optional<std::int64_t>>;

class EndpointBodies {
 public:
  void add(const recording::BodyRow& row);

  std::size_t requests() const { return peaks_.size(); }
  const statistics::CompactValues& sizes(std::size_t side) const { return sizes_[side]; }
  const statistics::CompactValues& peaks() const { return peaks_; }

  // Ended well and is booked exactly: what a payload costs can be learned from it.
  bool is_sound(std::size_t request) const { return (marks_[request] & kFailed) == 0; }
  bool in_pieces(std::size_t request, std::size_t side) const {
    return (marks_[request] & (side == kRequestSide ? kPiecesIn : kPiecesOut)) != 0;
  }
  bool asked_whole(std::size_t request) const { return (marks_[request] & kWholeIn) != 0; }
  const BodyKind& kind(std::size_t request, std::size_t side) const { return kinds_[kind_numbers_[side][request]]; }
  std::uint32_t kind_number(std::size_t request, std::size_t side) const { return kind_numbers_[side][request]; }
  const std::vector<BodyKind>& kinds() const { return kinds_; }

  struct PhaseValues {
    statistics::CompactValues allocated_bytes;
    statistics::CompactValues peak_bytes;
    statistics::CompactValues duration_us;
    std::uint64_t peaks_reached = 0;   // requests whose own peak it was
    long double peak_share_bytes = 0;  // what it allocated, at most the peak
  };
  const std::array<PhaseValues, recording::kPhases>& phases() const { return phases_; }
  long double phased_peak_bytes() const { return phased_peak_bytes_; }  // of the requests whose phases were seen

 private:
  static constexpr std::uint8_t kFailed = 1;
  static constexpr std::uint8_t kPiecesIn = 2;
  static constexpr std::uint8_t kPiecesOut = 4;
  static constexpr std::uint8_t kWholeIn = 8;

  std::uint32_t number_of(const BodyKind& kind, std::uint32_t likely);
  void add_phases(const recording::BodyRow& row);

  std::array<statistics::CompactValues, kSides> sizes_;
  statistics::CompactValues peaks_;
  std::array<std::deque<std::uint32_t>, kSides> kind_numbers_;
  std::deque<std::uint8_t> marks_;
  std::vector<BodyKind> kinds_;
  std::map<BodyKind, std::uint32_t> numbers_;  // of kinds_
  std::array<PhaseValues, recording::kPhases> phases_;
  long double phased_peak_bytes_ = 0;
};

}  // namespace heapledger::analysis
