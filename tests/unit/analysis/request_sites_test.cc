// Lines of code of single endpoints: means over requests, intervals, what was chosen.
#include "analysis/request_sites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leak_rows.h"

namespace heapledger::analysis {
namespace {

LeakTables orders_sites() {
  LeakTables rows;
  add_life(rows, 1, 1, 100, 0, 64, none_left);
  add_life(rows, 2, 1, 300, 0, 64, none_left);
  add_life(rows, 1, 2, 10, 0, 64, none_left);
  const auto load = add_place(rows, "load", "/srv/app/orders.py", 12);
  const auto dump = add_place(rows, "dump", "/srv/app/orders.py", 30);
  const auto view = add_place(rows, "view", "/srv/app/views.py", 5);
  const auto loads = add_stack(rows, {load, view});
  const auto dumps = add_stack(rows, {dump, view});
  rows.code.sites = {{1, 1, loads, 90, 300'000, 40'000, 0, 0, 0}, {2, 1, loads, 10, 100'000, 0, 0, 0, 0},
                     {1, 1, dumps, 50, 100'000, 60'000, 0, 0, 0}, {1, 2, dumps, 5, 5'000, 0, 0, 0, 0},
                     {1, {}, dumps, 5, 5'000, 0, 0, 0, 0},        {1, 1, dumps, 0, 7, 7, 0, 0, 0}};
  return rows;
}

std::vector<RequestSite> sites_of(const RequestsOptions& options) {
  RecordingTables tables = small_tables();
  tables.workers.push_back(worker_row(2));
  const LeakTables rows = orders_sites();
  return sites_of_requests(tables, rows.code, rows.lives, Selection(options, tables));
}

TEST(RequestSites, AreMeansOverTheRequestsThatEnded) {
  RequestsOptions options;
  options.methods = {"GET"};
  const auto sites = sites_of(options);
  ASSERT_EQ(sites.size(), 2U);
  EXPECT_EQ(sites[0].stack.places.at(0).function, "load");
  EXPECT_EQ(sites[0].allocated_bytes.bytes, 1000U);  // 400,000 of 400 requests
  EXPECT_EQ(sites[0].samples, 100U);
  EXPECT_EQ(sites[0].allocated_bytes.low, 814U);
  EXPECT_EQ(sites[0].allocated_bytes.high, 1216U);
  EXPECT_EQ(sites[0].peak_bytes, 100U);
  EXPECT_DOUBLE_EQ(sites[0].allocated_ratio, 0.8);
  EXPECT_DOUBLE_EQ(sites[0].peak_ratio, 0.4);
  EXPECT_EQ(sites[1].peak_bytes, 150U);
}

TEST(RequestSites, AreOfTheChosenWorkers) {
  RequestsOptions options;
  options.workers = {1};
  const auto sites = sites_of(options);
  ASSERT_EQ(sites.size(), 3U);
  EXPECT_EQ(sites[0].allocated_bytes.bytes, 3000U);  // 300,000 of 100 requests
  EXPECT_EQ(sites[2].method, "POST");
  EXPECT_EQ(sites[2].allocated_bytes.bytes, 500U);
}

TEST(RequestSites, NeedTheNumberOfRequests) {
  RecordingTables tables = small_tables();
  const LeakTables rows = orders_sites();
  EXPECT_TRUE(sites_of_requests(tables, rows.code, {}, Selection({}, tables)).empty());
}

}  // namespace
}  // namespace heapledger::analysis
