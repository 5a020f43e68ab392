// Private to the reader's two files: the open snapshot and the ids that rows may refer to.
#pragma once

#include <memory>
#include <unordered_set>

#include "recording/recording.h"
#include "recording/sqlite.h"

namespace heapledger::recording {

struct Recording::State {
  std::filesystem::path path;
  std::unique_ptr<Database> database;
  std::unordered_set<std::int64_t> workers;
  std::unordered_set<std::int64_t> endpoints;
  std::unordered_set<std::int64_t> content_types;

  void load_references();
  // Throw "damaged" when a row names what the recording does not hold.
  std::int64_t worker(Statement& row, int column) const;
  std::int64_t endpoint(Statement& row, int column) const;
  std::optional<std::int64_t> optional_endpoint(Statement& row, int column) const;
  void check_request(const RequestRow& request) const;
  [[noreturn]] void damaged(const std::string& what) const;
};

}  // namespace heapledger::recording
