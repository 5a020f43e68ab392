#include "recording/older_schema.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace heapledger::recording {
namespace {

// The first schema had these: without one, or a column of one that every row needs, it is no recording.
constexpr std::array<std::string_view, 11> kAlways{"meta",        "worker",    "endpoint",    "content_type",
                                                   "request",     "in_flight", "timeline",    "owner_total",
                                                   "peak_member", "peak",      "process_note"};

struct Field {
  std::string name;
  std::string type;
  bool needed = false;  // no row without it
  std::optional<std::string> otherwise;
  std::int64_t key = 0;

  bool operator==(const Field& other) const {
    return std::tie(name, type, needed, otherwise, key) ==
           std::tie(other.name, other.type, other.needed, other.otherwise, other.key);
  }
};

using Objects = std::map<std::pair<std::string, std::string>, std::string>;  // type and name to SQL

// SQL without comments and with single spaces, so that a comment is not part of the version.
std::string plain_sql(const std::string& sql) {
  std::string plain;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (sql.compare(i, 2, "--") == 0) {
      while (i < sql.size() && sql[i] != '\n') ++i;
    }
    const bool space = i >= sql.size() || std::isspace(static_cast<unsigned char>(sql[i])) != 0;
    if (!space) {
      plain += sql[i];
    } else if (!plain.empty() && plain.back() != ' ') {
      plain += ' ';
    }
  }
  return plain;
}

Objects objects_of(Database& database) {
  Objects objects;
  Statement select(database, "SELECT type, name, coalesce(sql, '') FROM sqlite_schema");
  while (select.step()) objects[{select.text(0), select.text(1)}] = plain_sql(select.text(2));
  return objects;
}

std::vector<Field> fields_of(Database& database, const std::string& table) {
  std::vector<Field> fields;
  Statement select(database, "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info(?, 'main')");
  select.bind(std::string_view(table));
  while (select.step()) {
    fields.push_back(
        {select.text(0), select.text(1), select.integer(2) != 0, select.optional_text(3), select.integer(4)});
  }
  return fields;
}

bool was_always(const std::string& table) { return std::find(kAlways.begin(), kAlways.end(), table) != kAlways.end(); }

void shadow_by_empty(Database& database, const std::string& sql) {
  constexpr std::string_view kCreate = "CREATE ";
  database.execute(("CREATE TEMP " + sql.substr(kCreate.size())).c_str());
}

// A view of the table with all fields. False: it is no earlier form of this table.
bool shadow_by_whole(Database& database, const std::string& table, const std::string& sql,
                     const std::vector<Field>& has, const std::vector<Field>& wanted) {
  for (const Field& field : has) {
    if (std::find(wanted.begin(), wanted.end(), field) == wanted.end()) return false;
  }
  if (has.empty() || has.size() == wanted.size()) return false;
  std::string view = "CREATE TEMP VIEW " + table + " AS SELECT ";
  if (sql.find("WITHOUT ROWID") == std::string::npos) view += "rowid AS rowid, ";
  for (const Field& field : wanted) {
    const bool there = std::find(has.begin(), has.end(), field) != has.end();
    if (!there && field.needed && !field.otherwise) {
      if (was_always(table)) return false;
      shadow_by_empty(database, sql);
      return true;
    }
    view += there ? field.name : field.otherwise.value_or("NULL") + " AS " + field.name;
    view += field == wanted.back() ? "" : ", ";
  }
  database.execute((view + " FROM main." + table).c_str());
  return true;
}

}  // namespace

bool complete_schema(Database& database, Database& reference) {
  const Objects has = objects_of(database);
  const Objects wanted = objects_of(reference);
  if (has == wanted) return true;
  for (const auto& [object, sql] : has) {
    if (!wanted.contains(object)) return false;
  }
  for (const auto& [object, sql] : wanted) {
    const auto& [type, table] = object;
    const auto found = has.find(object);
    if (type != "table" || (found != has.end() && found->second == sql)) continue;
    if (found == has.end()) {
      if (was_always(table)) return false;
      shadow_by_empty(database, sql);
    } else if (!shadow_by_whole(database, table, sql, fields_of(database, table), fields_of(reference, table))) {
      return false;
    }
  }
  return true;
}

}  // namespace heapledger::recording
