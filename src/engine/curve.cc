#include "engine/curve.h"

#include <algorithm>
#include <cmath>

#include "engine/engine.h"

namespace heapledger::engine {
namespace {

constexpr float kFullLevel = 15;

constexpr float kLevelDifference = 1.0F / 64;  // a quarter of what a level of the record tells apart

// At one level, as far as the record will tell: a request that is taken up and put down often needs no more stretches.
bool is_level(const Curve::Stretch& one, const Curve::Stretch& next) noexcept {
  const float left = one.byte_seconds * next.seconds;
  const float right = next.byte_seconds * one.seconds;
  return std::abs(left - right) <= kLevelDifference * std::max(left, right);
}

void halve(Curve& curve) noexcept {
  for (std::uint32_t i = 0; i < Curve::kStretches / 2; ++i) {
    const Curve::Stretch& first = curve.stretches[2 * i];
    const Curve::Stretch& second = curve.stretches[2 * i + 1];
    curve.stretches[i] = {first.seconds + second.seconds, first.byte_seconds + second.byte_seconds};
  }
  curve.count = Curve::kStretches / 2;
}

// Each stretch spread evenly over the sixteenths that it covers.
void spread(const Curve& curve, float part_seconds, float (&parts)[ledger::kCurvePoints]) noexcept {
  std::uint32_t part = 0;
  float left = part_seconds;  // of this part
  for (std::uint32_t i = 0; i < curve.count; ++i) {
    const Curve::Stretch& stretch = curve.stretches[i];
    if (stretch.seconds <= 0) continue;
    const float level = stretch.byte_seconds / stretch.seconds;
    float rest = stretch.seconds;
    while (rest > left && part < ledger::kCurvePoints - 1) {
      parts[part++] += level * left;
      rest -= left;
      left = part_seconds;
    }
    parts[part] += level * rest;
    left -= rest;
  }
}

}  // namespace

void begin_curve(Engine& e, base::OwnerId owner) noexcept {
  Curve& curve = e.curves[owner.raw()];
  curve.levels = 0;
  curve.peak_ns = 0;
  curve.peak_bytes = 0;
  curve.peak_percent = ledger::kNoCurve;
  curve.count = 0;
}

void extend_curve(Engine& e, base::OwnerId owner, double seconds, double byte_seconds) noexcept {
  Curve& curve = e.curves[owner.raw()];
  const Curve::Stretch next{static_cast<float>(seconds), static_cast<float>(byte_seconds)};
  if (curve.count > 0 && is_level(curve.stretches[curve.count - 1], next)) {
    Curve::Stretch& last = curve.stretches[curve.count - 1];
    last.seconds += next.seconds;
    last.byte_seconds += next.byte_seconds;
    return;
  }
  if (curve.count == Curve::kStretches) halve(curve);
  curve.stretches[curve.count++] = next;
}

void raise_curve_peak(Engine& e, base::OwnerId owner, std::int64_t peak_bytes, std::uint64_t now_ns) noexcept {
  Curve& curve = e.curves[owner.raw()];
  if (peak_bytes <= curve.peak_bytes + curve.peak_bytes / 8) return;
  curve.peak_bytes = peak_bytes;
  curve.peak_ns = now_ns;
}

void finish_curve(Engine& e, base::OwnerId owner) noexcept {
  Curve& curve = e.curves[owner.raw()];
  const OwnerRecord& who = record(e, owner);
  float seconds = 0;
  for (std::uint32_t i = 0; i < curve.count; ++i) seconds += curve.stretches[i].seconds;
  if (seconds <= 0) return;
  const float part_seconds = seconds / ledger::kCurvePoints;
  float parts[ledger::kCurvePoints] = {};
  spread(curve, part_seconds, parts);
  const float full = part_seconds * static_cast<float>(who.at_end.peak_bytes);
  const float levels = full > 0 ? kFullLevel / full : 0;
  for (const float part : parts) {
    curve.levels = curve.levels << 4 | static_cast<std::uint64_t>(std::min(part * levels + 0.5F, kFullLevel));
  }
  const double peak_seconds =
      curve.peak_ns <= who.started_ns ? 0 : static_cast<double>(curve.peak_ns - who.started_ns) * 1e-9;
  curve.peak_percent =
      static_cast<std::uint8_t>(std::clamp(peak_seconds / static_cast<double>(seconds) * 100 + 0.5, 0.0, 100.0));
}

}  // namespace heapledger::engine
