// Limits of memory cgroups as Linux lays them out, in folders of our own.
#include "recording/memory_limit.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace heapledger::recording {
namespace {

class MemoryLimitTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() / ("memory-limit-" + std::to_string(::getpid()));
    std::filesystem::remove_all(root_);
    put("proc/meminfo", "MemTotal:        2048 kB\nMemFree: 1 kB\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void put(const std::string& name, const std::string& text) {
    const std::filesystem::path path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::string told() const {
    const auto limit = memory_limit_of(7, root_.string());
    return limit ? std::to_string(limit->bytes) + " " + limit->source : "nothing";
  }

  std::filesystem::path root_;
};

TEST_F(MemoryLimitTest, IsTheHostsWithoutACgroup) { EXPECT_EQ(told(), "2097152 host"); }

TEST_F(MemoryLimitTest, IsTheLeastOnTheWayUpOfVersion2) {
  put("proc/7/cgroup", "0::/service/worker\n");
  put("sys/fs/cgroup/service/worker/memory.max", "max\n");
  put("sys/fs/cgroup/service/memory.max", "1000000\n");
  EXPECT_EQ(told(), "1000000 cgroup v2");
}

TEST_F(MemoryLimitTest, IsOfVersion1BesideAnUnusedVersion2) {
  put("proc/7/cgroup", "4:cpu,memory:/box\n1:name=systemd:/\n0::/\n");
  put("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "500000\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(told(), "500000 cgroup v1");
}

TEST_F(MemoryLimitTest, OfAContainerIsThatOfItsMount) {
  put("proc/7/cgroup", "0::/../../outside\n");
  put("sys/fs/cgroup/memory.max", "700000\n");
  EXPECT_EQ(told(), "700000 cgroup v2");
}

TEST_F(MemoryLimitTest, UnlimitedIsTheHosts) {
  put("proc/7/cgroup", "4:memory:/\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(told(), "2097152 host");
}

TEST_F(MemoryLimitTest, OfAProcessThatIsGoneIsThatOfTheReader) {
  put("proc/self/cgroup", "0::/mine\n");
  put("sys/fs/cgroup/mine/memory.max", "600000\n");
  EXPECT_EQ(told(), "600000 cgroup v2");
}

TEST_F(MemoryLimitTest, WhatIsNotANumberIsNoLimit) {
  put("proc/7/cgroup", "garbage\n0::\n4:memory:/x\n");
  put("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "-5\n");
  EXPECT_EQ(told(), "2097152 host");
  std::filesystem::remove_all(root_);
  EXPECT_EQ(told(), "nothing");
}

}  // namespace
}  // namespace heapledger::recording
