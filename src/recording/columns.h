// The tables of the recording that hold one plain value a column, each as one list of its columns: what a row is
// selected, inserted, read and written by. Private to recording. Thread-safe, allocates.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "recording/rows.h"
#include "recording/sqlite.h"

namespace heapledger::recording {

// What an integer is, and so what is checked when it is read.
// kSize: not negative, and no larger than a figure can be; kBalance: likewise, either side of zero.
enum class Holds : std::uint8_t {
  kInteger,
  kSize,
  kBalance,
  kWorker,
  kEndpoint,
  kContentType,
  kContentEncoding,
  kStack
};

template <class Row>
struct Column {
  using Member = std::variant<std::int64_t Row::*, std::optional<std::int64_t> Row::*, std::int32_t Row::*,
                              std::uint32_t Row::*, double Row::*, std::string Row::*,
                              std::optional<std::string> Row::*, WorkerEnding Row::*, OwnerTotalKind Row::*>;
  const char* name;
  Member member;
  Holds holds = Holds::kInteger;
};

template <class Row, std::size_t kCount>
struct Table {
  const char* name;
  std::array<Column<Row>, kCount> columns;
};

inline constexpr Table<RequestRow, 27> kRequestTable{
    "request",
    {{{"id", &RequestRow::id},
      {"worker", &RequestRow::worker, Holds::kWorker},
      {"sequence", &RequestRow::sequence},
      {"endpoint", &RequestRow::endpoint, Holds::kEndpoint},
      {"started_us", &RequestRow::started_us},
      {"duration_us", &RequestRow::duration_us, Holds::kSize},
      {"status", &RequestRow::status},
      {"flags", &RequestRow::flags},
      {"received_bytes", &RequestRow::received_bytes, Holds::kSize},
      {"sent_bytes", &RequestRow::sent_bytes, Holds::kSize},
      {"request_type", &RequestRow::request_type, Holds::kContentType},
      {"response_type", &RequestRow::response_type, Holds::kContentType},
      {"in_flight_at_start", &RequestRow::in_flight_at_start, Holds::kSize},
      {"in_flight_peak", &RequestRow::in_flight_peak, Holds::kSize},
      {"allocated_bytes", &RequestRow::allocated_bytes, Holds::kSize},
      {"allocations", &RequestRow::allocations, Holds::kSize},
      {"peak_bytes", &RequestRow::peak_bytes, Holds::kSize},
      {"escaped_bytes", &RequestRow::escaped_bytes, Holds::kSize},
      {"isolated_bytes", &RequestRow::isolated_bytes, Holds::kSize},
      {"adopted_bytes", &RequestRow::adopted_bytes, Holds::kSize},
      {"native_allocated_bytes", &RequestRow::native_allocated_bytes, Holds::kSize},
      {"native_peak_bytes", &RequestRow::native_peak_bytes, Holds::kSize},
      {"byte_seconds", &RequestRow::byte_seconds},
      {"running_us", &RequestRow::running_us, Holds::kSize},
      {"after_response_bytes", &RequestRow::after_response_bytes, Holds::kSize},
      {"curve", &RequestRow::curve},
      {"peak_percent", &RequestRow::peak_percent, Holds::kSize}}}};

// The rest of a request's row, which few read.
inline constexpr Table<PayloadRow, 17> kPayloadTable{
    "request",
    {{{"read_allocated_bytes", &PayloadRow::read_allocated_bytes, Holds::kSize},
      {"read_peak_bytes", &PayloadRow::read_peak_bytes, Holds::kSize},
      {"read_us", &PayloadRow::read_us, Holds::kSize},
      {"deserialize_allocated_bytes", &PayloadRow::deserialize_allocated_bytes, Holds::kSize},
      {"deserialize_peak_bytes", &PayloadRow::deserialize_peak_bytes, Holds::kSize},
      {"deserialize_us", &PayloadRow::deserialize_us, Holds::kSize},
      {"handle_allocated_bytes", &PayloadRow::handle_allocated_bytes, Holds::kSize},
      {"handle_peak_bytes", &PayloadRow::handle_peak_bytes, Holds::kSize},
      {"handle_us", &PayloadRow::handle_us, Holds::kSize},
      {"serialize_allocated_bytes", &PayloadRow::serialize_allocated_bytes, Holds::kSize},
      {"serialize_peak_bytes", &PayloadRow::serialize_peak_bytes, Holds::kSize},
      {"serialize_us", &PayloadRow::serialize_us, Holds::kSize},
      {"send_allocated_bytes", &PayloadRow::send_allocated_bytes, Holds::kSize},
      {"send_peak_bytes", &PayloadRow::send_peak_bytes, Holds::kSize},
      {"send_us", &PayloadRow::send_us, Holds::kSize},
      {"request_encoding", &PayloadRow::request_encoding, Holds::kContentEncoding},
      {"response_encoding", &PayloadRow::response_encoding, Holds::kContentEncoding}}}};

inline constexpr Table<BodyLimitRow, 4> kBodyLimitTable{"body_limit",
                                                        {{{"worker", &BodyLimitRow::worker, Holds::kWorker},
                                                          {"endpoint", &BodyLimitRow::endpoint, Holds::kEndpoint},
                                                          {"setting", &BodyLimitRow::setting},
                                                          {"limit_bytes", &BodyLimitRow::limit_bytes, Holds::kSize}}}};

inline constexpr Table<RequestCurveRow, 12> kRequestCurveTable{
    "request",
    {{{"id", &RequestCurveRow::id},
      {"worker", &RequestCurveRow::worker, Holds::kWorker},
      {"endpoint", &RequestCurveRow::endpoint, Holds::kEndpoint},
      {"started_us", &RequestCurveRow::started_us},
      {"duration_us", &RequestCurveRow::duration_us, Holds::kSize},
      {"in_flight_at_start", &RequestCurveRow::in_flight_at_start, Holds::kSize},
      {"peak_bytes", &RequestCurveRow::peak_bytes, Holds::kSize},
      {"escaped_bytes", &RequestCurveRow::escaped_bytes, Holds::kSize},
      {"byte_seconds", &RequestCurveRow::byte_seconds},
      {"after_response_bytes", &RequestCurveRow::after_response_bytes, Holds::kSize},
      {"curve", &RequestCurveRow::curve},
      {"peak_percent", &RequestCurveRow::peak_percent, Holds::kSize}}}};

inline constexpr Table<WorkerRow, 33> kWorkerTable{
    "worker",
    {{{"id", &WorkerRow::id},
      {"pid", &WorkerRow::pid},
      {"parent_pid", &WorkerRow::parent_pid},
      {"python", &WorkerRow::python},
      {"server", &WorkerRow::server},
      {"rule", &WorkerRow::rule},
      {"started_us", &WorkerRow::started_us},
      {"ended_us", &WorkerRow::ended_us},
      {"ending", &WorkerRow::ending},
      {"end_signal", &WorkerRow::end_signal, Holds::kSize},
      {"allocated_bytes", &WorkerRow::allocated_bytes, Holds::kSize},
      {"freed_bytes", &WorkerRow::freed_bytes, Holds::kBalance},
      {"live_bytes", &WorkerRow::live_bytes, Holds::kBalance},
      {"unattributed_bytes", &WorkerRow::unattributed_bytes, Holds::kSize},
      {"audited_live_bytes", &WorkerRow::audited_live_bytes, Holds::kBalance},
      {"audited_owner_mismatches", &WorkerRow::audited_owner_mismatches, Holds::kSize},
      {"dropped_requests", &WorkerRow::dropped_requests, Holds::kSize},
      {"approximate_requests", &WorkerRow::approximate_requests, Holds::kSize},
      {"untracked_blocks", &WorkerRow::untracked_blocks, Holds::kSize},
      {"lost_frees", &WorkerRow::lost_frees, Holds::kSize},
      {"lost_samples", &WorkerRow::lost_samples, Holds::kSize},
      {"lost_survivor_bytes", &WorkerRow::lost_survivor_bytes, Holds::kSize},
      {"lost_flow_bytes", &WorkerRow::lost_flow_bytes, Holds::kSize},
      {"foreign_blocks", &WorkerRow::foreign_blocks, Holds::kSize},
      {"folded_endpoints", &WorkerRow::folded_endpoints, Holds::kSize},
      {"displaced_us", &WorkerRow::displaced_us},
      {"books_us", &WorkerRow::books_us},
      {"rss_bytes", &WorkerRow::rss_bytes, Holds::kSize},
      {"allocator_retained_bytes", &WorkerRow::allocator_retained_bytes, Holds::kSize},
      {"heapledger_bytes", &WorkerRow::heapledger_bytes, Holds::kSize},
      {"native_live_bytes", &WorkerRow::native_live_bytes, Holds::kSize},
      {"allocator", &WorkerRow::allocator},
      {"unseen", &WorkerRow::unseen}}}};

inline constexpr Table<OwnerTotalRow, 8> kOwnerTotalTable{
    "owner_total",
    {{{"worker", &OwnerTotalRow::worker, Holds::kWorker},
      {"kind", &OwnerTotalRow::kind},
      {"endpoint", &OwnerTotalRow::endpoint, Holds::kEndpoint},
      {"name", &OwnerTotalRow::name},
      {"owners", &OwnerTotalRow::owners, Holds::kSize},
      {"allocated_bytes", &OwnerTotalRow::allocated_bytes, Holds::kSize},
      {"freed_bytes", &OwnerTotalRow::freed_bytes, Holds::kBalance},
      {"live_bytes", &OwnerTotalRow::live_bytes, Holds::kBalance}}}};

inline constexpr Table<InFlightRow, 7> kInFlightTable{
    "in_flight",
    {{{"worker", &InFlightRow::worker, Holds::kWorker},
      {"endpoint", &InFlightRow::endpoint, Holds::kEndpoint},
      {"sequence", &InFlightRow::sequence},
      {"started_us", &InFlightRow::started_us},
      {"live_bytes", &InFlightRow::live_bytes, Holds::kBalance},
      {"peak_bytes", &InFlightRow::peak_bytes, Holds::kSize},
      {"allocated_bytes", &InFlightRow::allocated_bytes, Holds::kSize}}}};

inline constexpr Table<PeakRow, 4> kPeakTable{"peak",
                                              {{{"worker", &PeakRow::worker, Holds::kWorker},
                                                {"at_us", &PeakRow::at_us},
                                                {"live_bytes", &PeakRow::live_bytes, Holds::kSize},
                                                {"in_flight", &PeakRow::in_flight, Holds::kSize}}}};

inline constexpr Table<TimelineRow, 7> kTimelineTable{
    "timeline",
    {{{"worker", &TimelineRow::worker, Holds::kWorker},
      {"at_us", &TimelineRow::at_us},
      {"rss_bytes", &TimelineRow::rss_bytes, Holds::kSize},
      {"live_bytes", &TimelineRow::live_bytes, Holds::kBalance},
      {"in_flight", &TimelineRow::in_flight, Holds::kSize},
      {"arena_bytes", &TimelineRow::arena_bytes, Holds::kSize},
      {"allocator_retained_bytes", &TimelineRow::allocator_retained_bytes, Holds::kSize}}}};

inline constexpr Table<CohortRow, 7> kCohortTable{"cohort",
                                                  {{{"worker", &CohortRow::worker, Holds::kWorker},
                                                    {"endpoint", &CohortRow::endpoint, Holds::kEndpoint},
                                                    {"first_request", &CohortRow::first_request, Holds::kSize},
                                                    {"last_request", &CohortRow::last_request, Holds::kSize},
                                                    {"block_bytes", &CohortRow::block_bytes, Holds::kSize},
                                                    {"live_bytes", &CohortRow::live_bytes, Holds::kBalance},
                                                    {"live_blocks", &CohortRow::live_blocks, Holds::kBalance}}}};

inline constexpr Table<FlowRow, 5> kFlowTable{"flow",
                                              {{{"worker", &FlowRow::worker, Holds::kWorker},
                                                {"owner_endpoint", &FlowRow::owner_endpoint, Holds::kEndpoint},
                                                {"freer_endpoint", &FlowRow::freer_endpoint, Holds::kEndpoint},
                                                {"bytes", &FlowRow::bytes, Holds::kSize},
                                                {"blocks", &FlowRow::blocks, Holds::kSize}}}};

inline constexpr Table<SiteRow, 9> kSiteTable{"site",
                                              {{{"worker", &SiteRow::worker, Holds::kWorker},
                                                {"endpoint", &SiteRow::endpoint, Holds::kEndpoint},
                                                {"stack", &SiteRow::stack, Holds::kStack},
                                                {"samples", &SiteRow::samples, Holds::kSize},
                                                {"allocated_bytes", &SiteRow::allocated_bytes},
                                                {"peak_bytes", &SiteRow::peak_bytes},
                                                {"retained_bytes", &SiteRow::retained_bytes},
                                                {"retained_blocks", &SiteRow::retained_blocks},
                                                {"retained_samples", &SiteRow::retained_samples, Holds::kSize}}}};

// "SELECT a, b, c FROM table" and what is to follow.
template <class Row, std::size_t kCount>
std::string select_from(const Table<Row, kCount>& table, std::string_view rest) {
  std::string sql = "SELECT ";
  for (const Column<Row>& column : table.columns)
    sql.append(&column == table.columns.data() ? "" : ", ").append(column.name);
  return sql.append(" FROM ").append(table.name).append(" ").append(rest);
}

// "INTO table (b, c) VALUES (?, ?)", from column `first` on; `more` holds further columns of the same table.
template <class Row, std::size_t kCount, class Other, std::size_t kMore>
std::string insert_into(const Table<Row, kCount>& table, std::size_t first, const Table<Other, kMore>& more) {
  std::string names;
  std::string values;
  const auto add = [&](const char* name) {
    names.append(names.empty() ? "" : ", ").append(name);
    values.append(values.empty() ? "?" : ", ?");
  };
  for (std::size_t i = first; i < kCount; ++i) add(table.columns[i].name);
  for (const Column<Other>& column : more.columns) add(column.name);
  return std::string("INTO ").append(table.name).append(" (").append(names).append(") VALUES (").append(values) + ")";
}

// "INTO table (b, c) VALUES (?, ?)", from column `first` on.
template <class Row, std::size_t kCount>
std::string insert_into(const Table<Row, kCount>& table, std::size_t first = 0) {
  std::string names;
  std::string values;
  for (std::size_t i = first; i < kCount; ++i) {
    names.append(i == first ? "" : ", ").append(table.columns[i].name);
    values.append(i == first ? "?" : ", ?");
  }
  return std::string("INTO ").append(table.name).append(" (").append(names).append(") VALUES (").append(values) + ")";
}

// One value from one column. Throws "damaged" for what the column cannot hold.
void read_value(Statement& select, int column, Holds holds, std::int64_t& value);
void read_value(Statement& select, int column, Holds holds, std::optional<std::int64_t>& value);
void read_value(Statement& select, int column, Holds holds, std::int32_t& value);
void read_value(Statement& select, int column, Holds holds, std::uint32_t& value);
void read_value(Statement& select, int column, Holds holds, double& value);
void read_value(Statement& select, int column, Holds holds, std::string& value);
void read_value(Statement& select, int column, Holds holds, std::optional<std::string>& value);
void read_value(Statement& select, int column, Holds holds, WorkerEnding& value);
void read_value(Statement& select, int column, Holds holds, OwnerTotalKind& value);

// The row that `select`, over the table's columns, stands on.
template <class Row, std::size_t kCount>
Row read_row(const Table<Row, kCount>& table, Statement& select) {
  Row row;
  for (std::size_t i = 0; i < kCount; ++i) {
    const Column<Row>& column = table.columns[i];
    const auto read = [&](auto member) { read_value(select, static_cast<int>(i), column.holds, row.*member); };
    std::visit(read, column.member);
  }
  return row;
}

void bind_value(Statement& statement, std::int64_t value);
void bind_value(Statement& statement, std::int32_t value);
void bind_value(Statement& statement, std::uint32_t value);
void bind_value(Statement& statement, const std::optional<std::int64_t>& value);
void bind_value(Statement& statement, double value);
void bind_value(Statement& statement, const std::string& value);
void bind_value(Statement& statement, const std::optional<std::string>& value);
void bind_value(Statement& statement, WorkerEnding value);
void bind_value(Statement& statement, OwnerTotalKind value);

// What a torn ledger claims is stored as what the reader takes.
template <class Value>
const Value& storable(Holds /*holds*/, const Value& value) {
  return value;
}
std::int64_t storable(Holds holds, std::int64_t value) noexcept;
std::optional<std::int64_t> storable(Holds holds, const std::optional<std::int64_t>& value) noexcept;

// The row's values from column `first` on, as the next parameters.
template <class Row, std::size_t kCount>
void bind_row(const Table<Row, kCount>& table, Statement& statement, const Row& row, std::size_t first = 0) {
  for (std::size_t i = first; i < kCount; ++i) {
    const Holds holds = table.columns[i].holds;
    std::visit([&](auto member) { bind_value(statement, storable(holds, row.*member)); }, table.columns[i].member);
  }
}

// Every id in the row that names a row of another table.
template <class Row, std::size_t kCount, class Visit>
void for_each_reference(const Table<Row, kCount>& table, const Row& row, Visit visit) {
  for (const Column<Row>& column : table.columns) {
    if (const auto* one = std::get_if<std::int64_t Row::*>(&column.member)) {
      visit(column.holds, row.**one);
    } else if (const auto* other = std::get_if<std::optional<std::int64_t> Row::*>(&column.member)) {
      if (row.**other) visit(column.holds, *(row.**other));
    }
  }
}

}  // namespace heapledger::recording
