// Compares output with a file under tests/golden. UPDATE_GOLDEN=1 in the environment writes the files instead, to be
// reviewed as code: UPDATE_GOLDEN=1 build/unit/tests/unit/report_tests
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace heapledger::report {

inline std::filesystem::path golden_path(const std::string& name) {
  return std::filesystem::path(HEAPLEDGER_SOURCE_DIR) / "tests" / "golden" / name;
}

inline void expect_golden(const std::string& name, const std::string& output) {
  const std::filesystem::path path = golden_path(name);
  if (const char* update = std::getenv("UPDATE_GOLDEN"); update != nullptr && std::string(update) == "1") {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << output;
    GTEST_SKIP() << "wrote " << path;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << path << " is missing; UPDATE_GOLDEN=1 writes it";
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(output, expected.str()) << "differs from " << path;
}

}  // namespace heapledger::report
