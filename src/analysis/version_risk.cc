#include "analysis/version_risk.h"

#include <algorithm>

namespace heapledger::analysis {
namespace {

constexpr std::size_t kDraws = 60;
constexpr double kTail = 0.025;

std::vector<std::size_t> classes_of(const VersionSide& side, const Traffic& traffic) {
  std::vector<std::size_t> classes;
  for (std::size_t i = 0; i < traffic.classes().size(); ++i) {
    const std::int64_t id = traffic.classes()[i].endpoint->id;
    if (std::find(side.endpoints.begin(), side.endpoints.end(), id) != side.endpoints.end()) {
      classes.push_back(i);
    }
  }
  return classes;
}

double rate_of(const std::vector<LoadClass>& load, const std::vector<std::size_t>& classes) {
  double per_second = 0;
  for (const std::size_t i : classes) {
    per_second += load[i].per_second;
  }
  return per_second;
}

VersionInterval interval_of(std::vector<double> drawn, double center) {
  std::sort(drawn.begin(), drawn.end());
  const auto at = [&drawn](double share) {
    return drawn[static_cast<std::size_t>(share * static_cast<double>(drawn.size() - 1) + 0.5)];
  };
  return {std::min(center, at(kTail)), std::max(center, at(1 - kTail))};
}

}  // namespace

VersionRisk::VersionRisk(const Traffic& traffic, double headroom_bytes, std::mt19937_64& random, const Traffic* after)
    : traffic_(traffic),
      after_(after == nullptr ? traffic : *after),
      headroom_bytes_(headroom_bytes),
      load_(load_of(traffic)),
      now_per_day_(exceedances(load_)) {
  const auto draw_parts = [&random] {
    std::vector<std::size_t> parts(kTrafficParts);
    std::generate(parts.begin(), parts.end(), [&random] { return random() % kTrafficParts; });
    return parts;
  };
  std::vector<double> drawn;
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    draws_.push_back(load_of(traffic, draw_parts()));
    drawn.push_back(exceedances(draws_.back()));
  }
  now_interval_ = interval_of(std::move(drawn), now_per_day_);
  if (after != nullptr) {
    load_after_ = load_of(*after);
    for (std::size_t draw = 0; draw < kDraws; ++draw) {
      draws_after_.push_back(load_of(*after, draw_parts()));
    }
  }
}

double VersionRisk::exceedances(const Load& load) const {
  return exhaust(load, headroom_bytes_, {}, statistics::kCoarseCells).exceedances_per_day;
}

VersionRisk::Migration VersionRisk::migration_of(const VersionSide& from, const VersionSide& to) const {
  return {classes_of(from, traffic_), classes_of(to, after_)};
}

// The old requests' rate goes to new ones, in the shares that these have of it. False: no request of one of them.
bool VersionRisk::migrate(Load& load, const Load& after, const Migration& migration) const {
  const bool within = &after_ == &traffic_;
  const double moved = rate_of(load, migration.old_classes);
  const double there = rate_of(within ? load : after, migration.new_classes);
  if (moved <= 0 || there <= 0) {
    return false;
  }
  for (const std::size_t i : migration.old_classes) {
    load[i].per_second = 0;
  }
  for (const std::size_t i : migration.new_classes) {
    if (within) {
      load[i].per_second *= 1 + moved / there;
    } else {
      load.push_back(after[i]);
      load.back().per_second *= moved / there;
    }
  }
  return true;
}

std::optional<MigrationRisk> VersionRisk::of(const std::vector<Migration>& migrations) const {
  const auto migrate_all = [&](Load& load, const Load& after) {
    bool any = false;
    for (const Migration& migration : migrations) {
      any = migrate(load, after, migration) || any;
    }
    return any;
  };
  Load migrated = load_;
  if (!migrate_all(migrated, load_after_)) {
    return std::nullopt;
  }
  const double per_day = exceedances(migrated);
  std::vector<double> drawn;
  for (std::size_t i = 0; i < draws_.size(); ++i) {
    Load draw = draws_[i];
    if (migrate_all(draw, draws_after_.empty() ? load_after_ : draws_after_[i])) {
      drawn.push_back(exceedances(draw));
    }
  }
  const VersionInterval interval = drawn.empty() ? VersionInterval{per_day, per_day} : interval_of(drawn, per_day);
  return MigrationRisk{now_per_day_, now_interval_, per_day, interval};
}

std::optional<MigrationRisk> VersionRisk::of(const VersionSide& from, const VersionSide& to) const {
  return of({migration_of(from, to)});
}

std::optional<MigrationRisk> VersionRisk::of_all(const std::vector<const SidePair*>& pairs) const {
  std::vector<Migration> migrations;
  for (const SidePair* pair : pairs) {
    migrations.push_back(migration_of(*pair->from, *pair->to));
  }
  return of(migrations);
}

}  // namespace heapledger::analysis
