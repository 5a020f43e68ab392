// Private to the reader's two files: the open snapshot and the ids that rows may refer to.
#pragma once

#include <memory>
#include <unordered_set>

#include "recording/columns.h"
#include "recording/recording.h"
#include "recording/sqlite.h"

namespace heapledger::recording {

struct Recording::State {
  std::filesystem::path path;
  std::unique_ptr<Database> database;
  std::unordered_set<std::int64_t> workers;
  std::unordered_set<std::int64_t> endpoints;
  std::unordered_set<std::int64_t> content_types;
  std::unordered_set<std::int64_t> content_encodings;
  std::unordered_set<std::int64_t> stacks;

  void load_references();
  // Throw "damaged" when a row names what the recording does not hold.
  void check(Holds holds, std::int64_t id) const;
  std::int64_t worker(Statement& row, int column) const;
  std::int64_t endpoint(Statement& row, int column) const;
  std::optional<std::int64_t> optional_endpoint(Statement& row, int column) const;
  [[noreturn]] void damaged(const std::string& what) const;

  // The next row of a statement over the table's columns, its references checked.
  template <class Row, std::size_t kCount>
  Row read(const Table<Row, kCount>& table, Statement& select) const {
    Row row = read_row(table, select);
    for_each_reference(table, row, [this](Holds holds, std::int64_t id) { check(holds, id); });
    return row;
  }
  template <class Row, std::size_t kCount>
  std::vector<Row> read_all(const Table<Row, kCount>& table, std::string_view order) const {
    Statement select(*database, select_from(table, order).c_str());
    std::vector<Row> rows;
    while (select.step()) rows.push_back(read(table, select));
    return rows;
  }
};

}  // namespace heapledger::recording
