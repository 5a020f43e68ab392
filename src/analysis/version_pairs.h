// Which endpoint in which version is compared with which. Pure functions; allocate.
//
// In one recording: the same method and the same route without its version, each version with the one before it. Of
// two: the same endpoint in the same version; what is left, the last version of a route with the last one.
#pragma once

#include <string>
#include <vector>

#include "analysis/version_sides.h"

namespace heapledger::analysis {

struct SidePair {
  VersionSide* from = nullptr;
  VersionSide* to = nullptr;
  std::string from_name;  // version, or "before"
  std::string to_name;
  std::string route;
};

struct VersionPairing {
  std::vector<SidePair> pairs;
  std::vector<const VersionSide*> added;
  std::vector<const VersionSide*> removed;
  std::vector<std::string> versions;
};

// Both mark the sides of pairs as compared.
VersionPairing pair_within(VersionSides& recording);
VersionPairing pair_across(VersionSides& before, VersionSides& after);

}  // namespace heapledger::analysis
