// A GoogleTest program that does everything a test program should not: test_gtest_collection.py runs it.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

TEST(Sound, Passes) { EXPECT_EQ(2 * 2, 4); }
TEST(Sound, Fails) { EXPECT_EQ(2 * 2, 5) << "the books do not balance"; }
TEST(Sound, IsSkipped) { GTEST_SKIP() << "no such machine"; }
TEST(Sound, DISABLED_IsNotCollected) { FAIL(); }

TEST(Crash, KillsTheProgram) { std::raise(SIGSEGV); }
TEST(Crash, RunsAfterAll) { SUCCEED(); }

class Sizes : public ::testing::TestWithParam<int> {};
TEST_P(Sizes, AreSmall) { EXPECT_LT(GetParam(), 30); }
INSTANTIATE_TEST_SUITE_P(Few, Sizes, ::testing::Values(10, 20));

TEST(ZLast, LeavesABadExitStatus) {
  std::atexit([] { std::_Exit(23); });
}
