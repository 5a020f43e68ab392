// Private to the store's two files: the open database and its prepared statements.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "recording/sqlite.h"
#include "recording/store.h"

namespace heapledger::recording {

struct Store::State {
  explicit State(const std::string& path, Database::Access access, const std::string& called = {})
      : database(path, access, called) {}

  void build(const Beginning& beginning);  // in an empty file
  void prepare();
  void set_meta(const char* key, std::int64_t value);
  void set_meta(const char* key, const std::string& value);
  void set_writer();  // this process

  Database database;
  std::int64_t started_unix_ns = 0;
  std::int64_t slice_span_us = 1'000'000;
  std::map<std::tuple<std::string, std::string, std::string, bool>, std::int64_t> endpoints;
  std::map<std::string, std::int64_t> content_types;
  std::map<std::string, std::int64_t> content_encodings;
  std::map<std::tuple<std::string, std::string, std::int64_t>, std::int64_t> places;
  std::map<std::string, std::int64_t> stacks;  // by their places
  std::map<std::tuple<std::int64_t, std::string, std::string, std::string>, std::int64_t> pools;
  // Statements end before the database: members are destroyed in reverse order.
  std::unique_ptr<Statement> add_request;
  std::unique_ptr<Statement> add_timeline;
  std::unique_ptr<Statement> add_owner_total;
  std::unique_ptr<Statement> update_worker;
  std::unique_ptr<Statement> add_pool_event;  // at first need, as what follows
  std::unique_ptr<Statement> put_connection;
};

}  // namespace heapledger::recording
