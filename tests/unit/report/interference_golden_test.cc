// Interference to render, computed from rows by the analysis itself.
#include <gtest/gtest.h>

#include "../analysis/interference_rows.h"
#include "golden.h"
#include "report/interference_text.h"

namespace heapledger::report {
namespace {

// An endpoint that takes half as long again beside another, two that nothing happens to, one that was hardly called.
analysis::InterferenceResult shop(bool hostile = false) {
  auto tables = analysis::simulated_tables(5);
  const char* routes[] = {"/orders", "/report/{id}", "/health", "/orders/import", "/admin"};
  for (std::size_t i = 0; i < tables.endpoints.size(); ++i) tables.endpoints[i].route = routes[i];
  if (hostile) tables.endpoints[1] = {2, "G\tT", "=\x1b[31m/r\xff\u202e", "v\n", true};
  tables.peaks = {{1, 20'000'000, 9'000'000, 4, {{1, 9, 2000}, {2, 10, 5'000'000}, {2, 11, 3'000'000}, {{}, 12, 64}}}};
  analysis::SimulatedService service;
  service.slow_beside = 1.5;
  auto rows = analysis::simulate(service, 1);
  for (std::int64_t i = 0; i < 10; ++i) {
    rows.push_back(analysis::curve_row(5, i * 4'000'000, 500));
    rows.back().in_flight_at_start = 5;
  }
  analysis::InterferenceOptions options;
  if (hostile) {
    options.routes = {"*", "/\x1b"};
    options.limit = 2;
  }
  return analysis::interference(tables, rows, options);
}

analysis::InterferenceResult nothing() { return analysis::interference(analysis::small_tables(), {}); }

analysis::InterferenceResult levels_apart() {
  return analysis::interference(analysis::simulated_tables(2), analysis::alternating(400));
}

TEST(InterferenceGolden, ShopText) { expect_golden("interference/shop.txt", shop().to_text()); }
TEST(InterferenceGolden, ShopJson) { expect_golden("interference/shop.json", shop().to_json()); }
TEST(InterferenceGolden, ShopCsv) { expect_golden("interference/shop.csv", shop().to_csv()); }
TEST(InterferenceGolden, HostileText) { expect_golden("interference/hostile.txt", shop(true).to_text()); }
TEST(InterferenceGolden, HostileJson) { expect_golden("interference/hostile.json", shop(true).to_json()); }
TEST(InterferenceGolden, HostileCsv) { expect_golden("interference/hostile.csv", shop(true).to_csv()); }
TEST(InterferenceGolden, LevelsApartText) { expect_golden("interference/levels_apart.txt", levels_apart().to_text()); }
TEST(InterferenceGolden, EmptyText) { expect_golden("interference/empty.txt", nothing().to_text()); }
TEST(InterferenceGolden, EmptyJson) { expect_golden("interference/empty.json", nothing().to_json()); }
TEST(InterferenceGolden, EmptyCsv) { expect_golden("interference/empty.csv", nothing().to_csv()); }

TEST(InterferenceGolden, ShopOnAnEightyColumnTerminalInColour) {
  TextStyle style;
  style.width = 80;
  style.colour = true;
  expect_golden("interference/shop_80_columns.txt", interference_text(shop(), style));
}

}  // namespace
}  // namespace heapledger::report
