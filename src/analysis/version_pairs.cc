#include "analysis/version_pairs.h"

#include <algorithm>
#include <map>
#include <utility>

#include "analysis/api_version.h"

namespace heapledger::analysis {
namespace {

using Route = std::pair<std::string, std::string>;  // method, route without version
using Groups = std::map<Route, std::vector<VersionSide*>>;

// Requests that no route names are of no endpoint that could have versions; <other> is no version. A request is known
// by its route before it is by the version that the service names: an endpoint may be there that no request has ended
// of.
bool is_version(const VersionSide& side) {
  return side.has_requests && !side.route.starts_with('<') && !side.id.version.starts_with('<');
}

// Versions of different things have nothing to do with each other: /api/v3 is not newer than /v2.
std::string family_of(const VersionSide& side) {
  if (!side.id.route.starts_with('/')) {
    return "work";
  }
  const std::size_t at = side.id.route.find("/" + side.id.version + "/");
  return at == std::string::npos ? "by header" : side.id.route.substr(0, at + 1);
}

using Families = std::map<std::string, std::vector<std::string>>;  // by family, in order

Families versions_by_family(const VersionSides& recording) {
  Families families;
  for (const auto& [key, side] : recording.sides()) {
    if (is_version(side) && !side.id.version.empty()) {
      families[family_of(side)].push_back(side.id.version);
    }
  }
  for (auto& [family, versions] : families) {
    std::sort(versions.begin(), versions.end(),
              [](const std::string& a, const std::string& b) { return is_earlier_version(a, b); });
    versions.erase(std::unique(versions.begin(), versions.end()), versions.end());
  }
  return families;
}

bool is_earlier(const VersionSide* left, const VersionSide* right) {
  return is_earlier_version(left->id.version, right->id.version);
}

Groups by_route(VersionSides& recording) {
  Groups groups;
  for (auto& [key, side] : recording.sides()) {
    if (is_version(side)) {
      groups[{side.id.method, side.route}].push_back(&side);
    }
  }
  for (auto& [route, sides] : groups) {
    std::sort(sides.begin(), sides.end(), is_earlier);
  }
  return groups;
}

void add_versions(const VersionSides& recording, std::vector<std::string>& versions) {
  for (const auto& [key, side] : recording.sides()) {
    if (is_version(side) && !side.id.version.empty()) {
      versions.push_back(side.id.version);
    }
  }
  std::sort(versions.begin(), versions.end(),
            [](const std::string& a, const std::string& b) { return is_earlier_version(a, b); });
  versions.erase(std::unique(versions.begin(), versions.end()), versions.end());
}

void add_pair(VersionPairing& pairing, VersionSide* from, VersionSide* to, bool apart) {
  from->compared = to->compared = true;
  const bool one_version = apart && from->id.version == to->id.version;
  pairing.pairs.push_back({from, to, one_version ? "before" : from->id.version, one_version ? "after" : to->id.version,
                           one_version ? from->id.route : from->route});
}

}  // namespace

VersionPairing pair_within(VersionSides& recording) {
  VersionPairing pairing;
  add_versions(recording, pairing.versions);
  const Families families = versions_by_family(recording);
  for (const auto& [route, sides] : by_route(recording)) {
    for (std::size_t i = 1; i < sides.size(); ++i) {
      add_pair(pairing, sides[i - 1], sides[i], false);
    }
    const std::string& last = sides.back()->id.version;
    const auto family = last.empty() ? families.end() : families.find(family_of(*sides.back()));
    if (family == families.end() || family->second.size() < 2) {
      continue;
    }
    if (last != family->second.back()) {
      pairing.removed.push_back(sides.back());
    } else if (sides.size() == 1) {
      pairing.added.push_back(sides.back());
    }
  }
  return pairing;
}

VersionPairing pair_across(VersionSides& before, VersionSides& after) {
  VersionPairing pairing;
  add_versions(before, pairing.versions);
  add_versions(after, pairing.versions);
  for (auto& [key, side] : before.sides()) {
    const auto same = after.sides().find(key);
    if (side.has_requests && same != after.sides().end() && same->second.has_requests) {
      add_pair(pairing, &side, &same->second, true);
    }
  }
  const auto is_left = [](const VersionSide* side) { return !side->compared; };
  Groups left = by_route(after);
  for (auto& [route, sides] : by_route(before)) {
    sides.erase(std::remove_if(sides.begin(), sides.end(), std::not_fn(is_left)), sides.end());
    std::vector<VersionSide*>& others = left[route];
    others.erase(std::remove_if(others.begin(), others.end(), std::not_fn(is_left)), others.end());
    if (!sides.empty() && !others.empty()) {
      add_pair(pairing, sides.back(), others.back(), true);
      sides.pop_back();
    }
    pairing.removed.insert(pairing.removed.end(), sides.begin(), sides.end());
  }
  for (const auto& [route, sides] : left) {
    std::copy_if(sides.begin(), sides.end(), std::back_inserter(pairing.added), is_left);
  }
  return pairing;
}

}  // namespace heapledger::analysis
