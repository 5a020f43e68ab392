#include "engine/curve.h"

#include <algorithm>

#include "engine/engine.h"

namespace heapledger::engine {
namespace {

constexpr double kFullLevel = 15;

void halve(Curve& curve) noexcept {
  for (std::uint32_t i = 0; i < Curve::kStretches / 2; ++i) {
    const Curve::Stretch& first = curve.stretches[2 * i];
    const Curve::Stretch& second = curve.stretches[2 * i + 1];
    curve.stretches[i] = {first.seconds + second.seconds, first.byte_seconds + second.byte_seconds};
  }
  curve.count = Curve::kStretches / 2;
}

std::uint64_t level_of(double byte_seconds, double seconds, double peak_bytes) noexcept {
  if (seconds <= 0 || peak_bytes <= 0) return 0;
  return static_cast<std::uint64_t>(
      std::clamp(byte_seconds / seconds / peak_bytes * kFullLevel + 0.5, 0.0, kFullLevel));
}

// Each stretch spread evenly over the sixteenths that it covers.
void spread(const Curve& curve, double part_seconds, double (&parts)[ledger::kCurvePoints]) noexcept {
  double at = 0;
  for (std::uint32_t i = 0; i < curve.count; ++i) {
    const Curve::Stretch& stretch = curve.stretches[i];
    const double end = at + static_cast<double>(stretch.seconds);
    const auto first = static_cast<std::uint32_t>(std::min(at / part_seconds, ledger::kCurvePoints - 1.0));
    const auto last = static_cast<std::uint32_t>(std::min(end / part_seconds, ledger::kCurvePoints - 1.0));
    for (std::uint32_t part = first; part <= last && stretch.seconds > 0; ++part) {
      const double from = std::max(at, part * part_seconds);
      const double to = part == ledger::kCurvePoints - 1 ? end : std::min(end, (part + 1) * part_seconds);
      const double share = std::max(0.0, to - from) / static_cast<double>(stretch.seconds);
      parts[part] += static_cast<double>(stretch.byte_seconds) * share;
    }
    at = end;
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
  if (curve.count == Curve::kStretches) halve(curve);
  curve.stretches[curve.count++] = {static_cast<float>(seconds), static_cast<float>(byte_seconds)};
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
  double seconds = 0;
  for (std::uint32_t i = 0; i < curve.count; ++i) seconds += static_cast<double>(curve.stretches[i].seconds);
  if (seconds <= 0) return;
  const double part_seconds = seconds / ledger::kCurvePoints;
  double parts[ledger::kCurvePoints] = {};
  spread(curve, part_seconds, parts);
  for (const double part : parts) {
    curve.levels = curve.levels << 4 | level_of(part, part_seconds, static_cast<double>(who.at_end.peak_bytes));
  }
  const double peak_seconds =
      curve.peak_ns <= who.started_ns ? 0 : static_cast<double>(curve.peak_ns - who.started_ns) * 1e-9;
  curve.peak_percent = static_cast<std::uint8_t>(std::clamp(peak_seconds / seconds * 100 + 0.5, 0.0, 100.0));
}

}  // namespace heapledger::engine
