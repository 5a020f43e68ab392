#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "golden.h"
#include "report/printable.h"
#include "report/requests_lines.h"
#include "report/requests_text.h"
#include "requests_results.h"

namespace heapledger::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RequestsGolden, OrdersText) { expect_golden("requests/orders.txt", orders_result().to_text()); }
TEST(RequestsGolden, OrdersJson) { expect_golden("requests/orders.json", orders_result().to_json()); }
TEST(RequestsGolden, OrdersCsv) { expect_golden("requests/orders.csv", orders_result().to_csv()); }
TEST(RequestsGolden, TroubledText) { expect_golden("requests/troubled.txt", troubled_result().to_text()); }
TEST(RequestsGolden, TroubledJson) { expect_golden("requests/troubled.json", troubled_result().to_json()); }
TEST(RequestsGolden, TroubledCsv) { expect_golden("requests/troubled.csv", troubled_result().to_csv()); }
TEST(RequestsGolden, HostileText) { expect_golden("requests/hostile.txt", hostile_result().to_text()); }
TEST(RequestsGolden, HostileJson) { expect_golden("requests/hostile.json", hostile_result().to_json()); }
TEST(RequestsGolden, HostileCsv) { expect_golden("requests/hostile.csv", hostile_result().to_csv()); }
TEST(RequestsGolden, EmptyText) { expect_golden("requests/empty.txt", empty_result().to_text()); }
TEST(RequestsGolden, EmptyJson) { expect_golden("requests/empty.json", empty_result().to_json()); }
TEST(RequestsGolden, EmptyCsv) { expect_golden("requests/empty.csv", empty_result().to_csv()); }

TEST(RequestsGolden, OrdersOnAnEightyColumnTerminalInColour) {
  RequestsTextOptions options;
  options.style = {80, true};
  expect_golden("requests/orders_80_columns.txt", requests_text(orders_result(), options));
}

TEST(RequestsGolden, OrdersAtTheEndOfARun) {
  RequestsTextOptions options;
  options.after_run = true;
  expect_golden("requests/orders_after_run.txt", requests_text(orders_result(), options));
}

TEST(RequestsText, CutsTheListAndSaysHowMuch) {
  analysis::RequestsOptions options;
  options.limit = 1;
  const auto result = orders_result(options);
  EXPECT_THAT(result.to_text(), HasSubstr("3 more: --limit 0"));
  EXPECT_THAT(result.to_text(), Not(HasSubstr("\nGET ")));
  EXPECT_THAT(result.to_json(), HasSubstr("\"endpoints_left_out\": 3"));
}

TEST(RequestsText, CutsTextAloneByDefault) {
  auto result = orders_result();
  while (result.endpoints.size() < 40) result.endpoints.push_back(result.endpoints.back());
  EXPECT_THAT(result.to_text(), HasSubstr("25 more: --limit 0"));
  EXPECT_THAT(result.to_json(), HasSubstr("\"endpoints_left_out\": 0"));
  const std::string csv = result.to_csv();
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 41);
  result.limit = 0;
  EXPECT_THAT(result.to_text(), Not(HasSubstr("more: --limit")));
}

TEST(RequestsText, TellsWorkersThatWereAskedToStopFromThoseThatWereKilled) {
  using analysis::WorkerEnding;
  auto result = orders_result();
  ASSERT_EQ(result.workers.size(), 2U);
  result.accounting.balanced.reset();
  const auto line = [&result](WorkerEnding first, std::optional<int> first_signal, WorkerEnding second,
                              std::optional<int> second_signal) {
    result.workers[0].ending = first;
    result.workers[0].end_signal = first_signal;
    result.workers[1].ending = second;
    result.workers[1].end_signal = second_signal;
    const std::string text = books_line(result);
    return text.substr(0, text.find("; 1"));
  };
  EXPECT_EQ(line(WorkerEnding::kStopped, 15, WorkerEnding::kFrozen, {}),
            "as they stood when worker 1 was ended by SIGTERM");
  EXPECT_EQ(line(WorkerEnding::kStopped, 15, WorkerEnding::kStopped, 15),
            "as they stood when workers 1, 2 were ended by SIGTERM");
  EXPECT_EQ(line(WorkerEnding::kFrozen, {}, WorkerEnding::kStopped, {}),
            "as they stood when worker 2 left without closing the books");
  EXPECT_EQ(line(WorkerEnding::kStopped, 2, WorkerEnding::kDied, 9),
            "not audited: worker 1 was ended by SIGINT; worker 2 was killed by SIGKILL");
  EXPECT_EQ(line(WorkerEnding::kDied, {}, WorkerEnding::kDied, 1000),
            "not audited: worker 1 ended without a last word; worker 2 was killed by signal 1000");
}

TEST(RequestsText, HoldsNoControlCharacterOfTheService) {
  const std::string text = hostile_result().to_text();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_EQ(printable(line.substr(0)), line.substr(0));
}

TEST(RequestsJson, IsAsciiWhateverTheRoutesHold) {
  for (const char character : hostile_result().to_json()) {
    ASSERT_TRUE(character == '\n' || (character >= 0x20 && character < 0x7f));
  }
}

TEST(RequestsText, NamesTheOptionsWhenTheyLeaveNothing) {
  analysis::RequestsOptions options;
  options.routes = {"/nowhere"};
  EXPECT_EQ(orders_result(options).to_text(),
            "nothing recorded for these options (1,268 in all)\n"
            "note     no route /nowhere in this recording; nearest: /orders\n");
}

}  // namespace
}  // namespace heapledger::report
