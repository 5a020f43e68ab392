// How long a request held how much, from its row: sixteen levels of a sixteenth of its duration each.
//
// A row's curve has levels in fifteenths of the peak, so each is wrong by up to a thirtieth of it. They are scaled so
// that their integral is the row's byte-seconds, which are exact; no level is above the peak. A row without a curve is
// a rectangle at its peak for byte_seconds / peak: of all curves of this peak and these byte-seconds the one that makes
// exhaustion most likely. Byte-seconds that do not fit under the peak make a longer rectangle.
// Pure; no allocation; thread-safe; fork-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace heapledger::analysis {

inline constexpr std::size_t kCurveParts = 16;

struct LevelCurve {
  std::array<double, kCurveParts> levels{};  // bytes
  double part_seconds = 0;                   // of each
  bool rectangle = false;                    // one level, the first one, for part_seconds
};

LevelCurve level_curve(double peak_bytes, double byte_seconds, double duration_seconds,
                       std::optional<std::int64_t> curve);

// The curve's levels with the seconds at each, for a histogram. Where a part lies between its neighbours it is taken
// for the moment at which one level became the other: so much of its time at each that its mean is kept. Steps, the
// usual case, come out exactly; of a slope it is a mean-preserving spread.
template <class Visit>
void visit_levels(const LevelCurve& curve, Visit visit) {
  if (curve.rectangle) {
    visit(curve.levels[0], curve.part_seconds);
    return;
  }
  for (std::size_t part = 0; part < kCurveParts; ++part) {
    const double level = curve.levels[part];
    const double before = curve.levels[part == 0 ? part : part - 1];
    const double after = curve.levels[part + 1 == kCurveParts ? part : part + 1];
    const double low = before < after ? before : after;
    const double high = before < after ? after : before;
    if (!(low < level && level < high)) {
      visit(level, curve.part_seconds);
      continue;
    }
    const double share = (level - low) / (high - low);
    visit(low, curve.part_seconds * (1 - share));
    visit(high, curve.part_seconds * share);
  }
}

}  // namespace heapledger::analysis
