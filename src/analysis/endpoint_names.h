// Finds an endpoint's row by its id. One thread at a time; allocates when built.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "recording/rows.h"

namespace heapledger::analysis {

class EndpointNames {
 public:
  // `rows` must outlive this object.
  explicit EndpointNames(const std::vector<recording::EndpointRow>& rows) {
    for (const auto& row : rows) {
      by_id_[row.id] = &row;
    }
  }

  // Null for none, and for an id without a row.
  const recording::EndpointRow* find(std::optional<std::int64_t> id) const {
    const auto found = id ? by_id_.find(*id) : by_id_.end();
    return found == by_id_.end() ? nullptr : found->second;
  }

 private:
  std::unordered_map<std::int64_t, const recording::EndpointRow*> by_id_;
};

}  // namespace heapledger::analysis
