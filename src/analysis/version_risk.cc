#include "analysis/version_risk.h"

#include <algorithm>

namespace heapledger::analysis {
namespace {

constexpr std::size_t kDraws = 60;
constexpr double kTail = 0.025;

using Classes = std::vector<std::size_t>;

// False: no request of one of them.
bool migrate(std::vector<LoadClass>& load, const Classes& old_classes, const Classes& new_classes) {
  double moved_per_second = 0;
  double new_per_second = 0;
  for (const std::size_t i : old_classes) {
    moved_per_second += load[i].per_second;
    load[i].per_second = 0;
  }
  for (const std::size_t i : new_classes) {
    new_per_second += load[i].per_second;
  }
  if (moved_per_second <= 0 || new_per_second <= 0) {
    return false;
  }
  for (const std::size_t i : new_classes) {
    load[i].per_second *= 1 + moved_per_second / new_per_second;
  }
  return true;
}

VersionInterval interval_of(std::vector<double> drawn, double center) {
  std::sort(drawn.begin(), drawn.end());
  const auto at = [&drawn](double share) {
    return drawn[static_cast<std::size_t>(share * static_cast<double>(drawn.size() - 1) + 0.5)];
  };
  return {std::min(center, at(kTail)), std::max(center, at(1 - kTail))};
}

}  // namespace

VersionRisk::VersionRisk(const Traffic& traffic, double headroom_bytes, std::mt19937_64& random)
    : traffic_(traffic), headroom_bytes_(headroom_bytes), load_(load_of(traffic)), now_per_day_(exceedances(load_)) {
  std::vector<double> drawn;
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    std::vector<std::size_t> parts(kTrafficParts);
    std::generate(parts.begin(), parts.end(), [&random] { return random() % kTrafficParts; });
    draws_.push_back(load_of(traffic, parts));
    drawn.push_back(exceedances(draws_.back()));
  }
  now_interval_ = interval_of(std::move(drawn), now_per_day_);
}

double VersionRisk::exceedances(const Load& load) const {
  return exhaust(load, headroom_bytes_, {}, statistics::kCoarseCells).exceedances_per_day;
}

std::vector<std::size_t> VersionRisk::classes_of(const VersionSide& side) const {
  Classes classes;
  for (std::size_t i = 0; i < traffic_.classes().size(); ++i) {
    const std::int64_t id = traffic_.classes()[i].endpoint->id;
    if (std::find(side.endpoints.begin(), side.endpoints.end(), id) != side.endpoints.end()) {
      classes.push_back(i);
    }
  }
  return classes;
}

std::optional<MigrationRisk> VersionRisk::of(const VersionSide& from, const VersionSide& to) const {
  const Classes old_classes = classes_of(from);
  const Classes new_classes = classes_of(to);
  Load migrated = load_;
  if (!migrate(migrated, old_classes, new_classes)) {
    return std::nullopt;
  }
  const double per_day = exceedances(migrated);
  std::vector<double> drawn;
  for (Load draw : draws_) {
    if (migrate(draw, old_classes, new_classes)) {
      drawn.push_back(exceedances(draw));
    }
  }
  const VersionInterval interval = drawn.empty() ? VersionInterval{per_day, per_day} : interval_of(drawn, per_day);
  return MigrationRisk{now_per_day_, now_interval_, per_day, interval};
}

}  // namespace heapledger::analysis
