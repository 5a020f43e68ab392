// The little of SQLite's C interface that the recording needs, with errors as RecordingError.
// One thread at a time a Database; statements must end before it. Allocates. Never carried across fork.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace heapledger::recording {

class Statement;

// A file's first bytes, fewer when it is shorter. Not by open() and close() of our own: closing any descriptor of a
// file drops all locks that this process has on it, those of a recording that it writes too. Throws RecordingError.
std::string first_bytes(const std::string& path, std::size_t count);

class Database {
 public:
  enum class Access { kWrite, kRead, kReadImmutable, kMemory };

  // The file must exist; `path`, or `called` when given, stands in error messages. kMemory needs none and has none.
  Database(const std::string& path, Access access, const std::string& called = {});
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const char* sql);
  std::int64_t query_integer(const char* sql);
  std::string query_text(const char* sql);
  std::int64_t last_row_id() const noexcept;
  bool in_transaction() const noexcept;
  const std::string& path() const noexcept { return path_; }
  sqlite3* handle() const noexcept { return handle_; }

  // Throws what the last failed call means for this file; RecordingInUse when others keep us out.
  [[noreturn]] void fail() const;

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

class Statement {
 public:
  Statement(Database& database, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters in order, from 1; reset() starts over.
  Statement& bind(std::int64_t value);
  Statement& bind(double value);
  Statement& bind(std::string_view value);
  Statement& bind_null();
  Statement& bind(const std::optional<std::int64_t>& value) { return value ? bind(*value) : bind_null(); }

  bool step();  // true: a row is there
  void run();   // step to the end, then reset
  void reset();

  // Columns in order, from 0; each throws "damaged" when the stored type is another.
  std::int64_t integer(int column);
  std::int64_t size(int column);     // not negative, and no larger than a figure can be
  std::int64_t balance(int column);  // likewise, either side of zero
  double real(int column);
  std::string text(int column);
  std::optional<std::int64_t> optional_integer(int column);
  std::optional<std::int64_t> optional_size(int column);
  std::optional<std::int64_t> optional_balance(int column);
  std::optional<std::string> optional_text(int column);
  bool is_null(int column);
  [[noreturn]] void damaged(int column);
  [[noreturn]] void impossible(int column);

 private:
  void check(int result);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int next_ = 1;
};

}  // namespace heapledger::recording
