// nearest: the name that was probably meant, and silence where none is near.
#include "cli/nearest.h"

#include <gtest/gtest.h>

namespace heapledger::cli {
namespace {

const std::vector<std::string> kNames{"run", "requests", "report", "doctor", "--quiet", "--max-size"};

TEST(Nearest, FindsTheNearMiss) {
  EXPECT_EQ(nearest("requsts", kNames), "requests");
  EXPECT_EQ(nearest("rnu", kNames), "run");
  EXPECT_EQ(nearest("reprot", kNames), "report");
  EXPECT_EQ(nearest("--quite", kNames), "--quiet");
  EXPECT_EQ(nearest("--maxsize", kNames), "--max-size");
  EXPECT_EQ(nearest("run", kNames), "run");
}

TEST(Nearest, IsSilentWhereNoneIsNear) {
  EXPECT_EQ(nearest("", kNames), "");
  EXPECT_EQ(nearest("zzzz", kNames), "");
  EXPECT_EQ(nearest("leaks", kNames), "");
  EXPECT_EQ(nearest(std::string(1'000'000, 'r'), kNames), "");
  EXPECT_EQ(nearest("run", {}), "");
}

}  // namespace
}  // namespace heapledger::cli
