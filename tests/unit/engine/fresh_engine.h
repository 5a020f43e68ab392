// An engine with nothing in it, for each test: the one object of the process is zeroed and started again. What an
// earlier test mapped stays mapped and unused.
#pragma once

#include <gtest/gtest.h>
#include <heapledger/heapledger.h>

#include <cstring>
#include <string>

#include "engine/audit.h"
#include "engine/books.h"
#include "engine/owners.h"
#include "engine/scopes.h"
#include "engine/switch.h"

namespace heapledger::engine {

class FreshEngine : public testing::Test {
 protected:
  void SetUp() override { restart(""); }

  void restart(const std::string& run_dir) {
    const int fork_handler = e_.fork_handler;
    std::memset(static_cast<void*>(hl_engine_storage), 0, sizeof(Engine));
    e_.fork_handler = fork_handler;
    ASSERT_EQ(hl_start(run_dir.c_str()), 0);
  }

  void expect_balanced() {
    const hl_books books = hl_read_books();
    EXPECT_EQ(books.mismatching_owners, 0u);
    EXPECT_EQ(books.walked_bytes, books.live_bytes);
    EXPECT_EQ(books.allocated_bytes - books.freed_bytes, books.live_bytes);
  }

  // An address that no other test block has; nothing is stored there.
  static const void* address(std::uint64_t number) {
    return reinterpret_cast<const void*>(std::uintptr_t{0x7000'0000'0000} + number * 64);
  }

  Engine& e_ = engine();
};

}  // namespace heapledger::engine
