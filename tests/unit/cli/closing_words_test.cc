// The one line of a run in which no Python took part.
#include "cli/closing_words.h"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace heapledger::cli {
namespace {

class ClosingWords : public ::testing::Test {
 protected:
  void SetUp() override { ::setenv("HEAPLEDGER_AUTOLOAD", "/somewhere", 1); }
  void TearDown() override { ::unsetenv("HEAPLEDGER_AUTOLOAD"); }

  recording::CollectorSummary summary_;
};

TEST_F(ClosingWords, SayWhatToInstallWhere) {
  summary_.notes = {{"/venv/bin/python", "3.11.2", "cannot import heapledger: No module named 'heapledger'"}};
  EXPECT_EQ(
      why_nothing_recorded(summary_),
      "nothing recorded: /venv/bin/python (Python 3.11.2) cannot import heapledger: No module named 'heapledger'; "
      "install it there: /venv/bin/python -m pip install heapledger");
}

TEST_F(ClosingWords, SayWhyAPythonWasRefused) {
  summary_.notes = {{"/usr/bin/launcher", "3.11.2", "no room in /dev/shm"}, {"", "", "too old"}};
  EXPECT_EQ(why_nothing_recorded(summary_), "nothing recorded: a Python of the command: too old");
}

TEST_F(ClosingWords, SayThatThereWasNoPython) {
  EXPECT_NE(why_nothing_recorded(summary_).find("no Python that heapledger supports"), std::string::npos);
}

}  // namespace
}  // namespace heapledger::cli
