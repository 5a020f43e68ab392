// Phases of a request: whose bytes, peaks and time they are, however marks and requests cross.
#include "engine/phases.h"

#include <array>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

#include "fresh_engine.h"
#include "ledger/layout_body.h"

namespace heapledger::engine {
namespace {

using ledger::PackedPhase;
using ledger::PhaseFigures;

class Phases : public FreshEngine {
 protected:
  PhaseFigures figures(Scope scope, Phase phase) { return phase_figures(e_, OwnerId{scope.owner}, phase); }
  // The row of a request that is left now.
  const ledger::RingRecord& finish(Scope scope) {
    leave_request(e_, scope, {});
    return e_.ledger.ring[(e_.ledger.header.ring_head.load() - 1) % ledger::kRingRecords];
  }
  static PhaseFigures of(const ledger::RingRecord& row, Phase phase) {
    return row.phases[static_cast<std::size_t>(phase)].figures();
  }
  void allocate(Scope scope, std::uint64_t bytes) { credit(e_, OwnerId{scope.owner}, bytes); }
  void release(Scope scope, std::uint64_t bytes) { debit(e_, OwnerId{scope.owner}, bytes); }
};

TEST_F(Phases, each_is_given_what_was_allocated_in_it_and_the_highest_level_during_it) {
  const Scope scope = begin_request(e_);
  allocate(scope, 100);
  const Visit reading = enter_phase(e_, scope, Phase::kRead);
  allocate(scope, 50'000);
  leave_phase(e_, scope, reading);
  const Visit parsing = enter_phase(e_, scope, Phase::kDeserialize);
  allocate(scope, 300'000);
  release(scope, 200'000);
  leave_phase(e_, scope, parsing);
  release(scope, 50'000);
  allocate(scope, 1'000);
  const Visit writing = enter_phase(e_, scope, Phase::kSerialize);
  allocate(scope, 20'000);
  leave_phase(e_, scope, writing);
  begin_sending(e_, scope);
  release(scope, 121'100);
  const ledger::RingRecord& row = finish(scope);

  EXPECT_NE(row.flags & ledger::kRequestPhases, 0U);
  EXPECT_EQ(of(row, Phase::kRead).allocated_bytes, 50'000U);
  EXPECT_EQ(of(row, Phase::kRead).peak_bytes, 50'100U);
  EXPECT_EQ(of(row, Phase::kDeserialize).allocated_bytes, 300'000U);
  EXPECT_EQ(of(row, Phase::kDeserialize).peak_bytes, 350'100U);
  EXPECT_EQ(of(row, Phase::kHandle).allocated_bytes, 1'100U);
  EXPECT_EQ(of(row, Phase::kHandle).peak_bytes, 150'100U);
  EXPECT_EQ(of(row, Phase::kSerialize).allocated_bytes, 20'000U);
  EXPECT_EQ(of(row, Phase::kSerialize).peak_bytes, 121'100U);
  EXPECT_EQ(of(row, Phase::kSend).allocated_bytes, 0U);
  EXPECT_EQ(of(row, Phase::kSend).peak_bytes, 121'100U);
  EXPECT_EQ(row.allocated_bytes, 371'100U);
  EXPECT_EQ(row.peak_bytes, 350'100U);
}

TEST_F(Phases, nobody_marked_any) {
  const Scope scope = begin_request(e_);
  allocate(scope, 5'000);
  const ledger::RingRecord& row = finish(scope);
  EXPECT_EQ(row.flags & ledger::kRequestPhases, 0U);
  EXPECT_EQ(row.allocated_bytes, 5'000U);
}

TEST_F(Phases, within_one_the_outermost_counts) {
  const Scope scope = begin_request(e_);
  const Visit outer = enter_phase(e_, scope, Phase::kSerialize);
  const Visit inner = enter_phase(e_, scope, Phase::kDeserialize);
  EXPECT_EQ(inner, Visit::kNone);
  allocate(scope, 700);
  leave_phase(e_, scope, inner);
  allocate(scope, 70);
  leave_phase(e_, scope, outer);
  allocate(scope, 7);
  const ledger::RingRecord& row = finish(scope);
  EXPECT_EQ(of(row, Phase::kSerialize).allocated_bytes, 770U);
  EXPECT_EQ(of(row, Phase::kDeserialize), PhaseFigures{});
  EXPECT_EQ(of(row, Phase::kHandle).allocated_bytes, 7U);
}

TEST_F(Phases, a_body_that_is_asked_for_whole_is_noted_for_its_request_alone) {
  const Scope scope = begin_request(e_);
  note_held(e_, scope);
  EXPECT_NE(finish(scope).flags & ledger::kRequestHeldIn, 0U);
  note_held(e_, scope);  // it is over
  const Scope next = begin_request(e_);
  EXPECT_EQ(finish(next).flags & ledger::kRequestHeldIn, 0U);
}

TEST_F(Phases, reading_within_deserializing_is_reading) {
  const Scope scope = begin_request(e_);
  const Visit form = enter_phase(e_, scope, Phase::kDeserialize);
  allocate(scope, 1'000);
  const Visit first = enter_phase(e_, scope, Phase::kRead);
  const Visit nested = enter_phase(e_, scope, Phase::kRead);
  allocate(scope, 30'000);
  leave_phase(e_, scope, nested);
  leave_phase(e_, scope, first);
  allocate(scope, 200);
  leave_phase(e_, scope, form);
  const ledger::RingRecord& row = finish(scope);
  EXPECT_EQ(of(row, Phase::kRead).allocated_bytes, 30'000U);
  EXPECT_EQ(of(row, Phase::kDeserialize).allocated_bytes, 1'200U);
}

TEST_F(Phases, a_visit_that_overlaps_another_leaves_nothing_behind) {
  const Scope scope = begin_request(e_);
  const Visit form = enter_phase(e_, scope, Phase::kDeserialize);
  const Visit reading = enter_phase(e_, scope, Phase::kRead);
  leave_phase(e_, scope, form);
  leave_phase(e_, scope, reading);
  allocate(scope, 64);
  EXPECT_EQ(enter_phase(e_, scope, Phase::kSerialize), Visit::kOutermost);
  allocate(scope, 128);
  const ledger::RingRecord& row = finish(scope);
  EXPECT_EQ(of(row, Phase::kHandle).allocated_bytes, 64U);
  EXPECT_EQ(of(row, Phase::kSerialize).allocated_bytes, 128U);
}

TEST_F(Phases, a_visit_in_a_response_returns_to_sending) {
  const Scope scope = begin_request(e_);
  const Visit writing = enter_phase(e_, scope, Phase::kSerialize);
  begin_sending(e_, scope);
  allocate(scope, 10);
  leave_phase(e_, scope, writing);
  allocate(scope, 100);
  begin_sending(e_, scope);
  allocate(scope, 1'000);
  const ledger::RingRecord& row = finish(scope);
  EXPECT_EQ(of(row, Phase::kSerialize).allocated_bytes, 10U);
  EXPECT_EQ(of(row, Phase::kSend).allocated_bytes, 1'100U);
  EXPECT_EQ(of(row, Phase::kHandle).allocated_bytes, 0U);
}

TEST_F(Phases, marks_of_a_request_that_is_over_do_nothing) {
  const Scope scope = begin_request(e_);
  const Visit visit = enter_phase(e_, scope, Phase::kRead);
  end_request(e_, scope, {});
  leave_phase(e_, scope, visit);
  EXPECT_EQ(enter_phase(e_, scope, Phase::kRead), Visit::kNone);
  leave_request(e_, scope, {});
  const Scope next = begin_request(e_);  // on the same slot
  ASSERT_EQ(next.owner, scope.owner);
  begin_sending(e_, scope);
  leave_phase(e_, scope, visit);
  EXPECT_EQ(enter_phase(e_, {}, Phase::kRead), Visit::kNone);
  EXPECT_EQ(enter_phase(e_, next, Phase::kHandle), Visit::kNone);
  EXPECT_EQ(enter_phase(e_, next, Phase::kSend), Visit::kNone);
  EXPECT_EQ(enter_phase(e_, next, static_cast<Phase>(200)), Visit::kNone);
  EXPECT_EQ(finish(next).flags & ledger::kRequestPhases, 0U);
}

TEST_F(Phases, a_later_lower_peak_of_threads_without_the_gil_is_seen) {
  const Scope scope = begin_request(e_);
  const OwnerId owner{scope.owner};
  const Visit parsing = enter_phase(e_, scope, Phase::kDeserialize);
  credit_off_gil(e_, owner, 50'000'000);
  debit_off_gil(e_, owner, 50'000'000);
  leave_phase(e_, scope, parsing);
  const Visit writing = enter_phase(e_, scope, Phase::kSerialize);
  credit_off_gil(e_, owner, 30'000'000);
  debit_off_gil(e_, owner, 30'000'000);
  leave_phase(e_, scope, writing);
  const ledger::RingRecord& row = finish(scope);
  EXPECT_EQ(of(row, Phase::kDeserialize).peak_bytes, 50'000'000U);
  EXPECT_EQ(of(row, Phase::kSerialize).peak_bytes, 30'000'000U);
  EXPECT_EQ(row.peak_bytes, 50'000'000U);
}

// Any sequence of marks, allocations and frees of several requests, against what a list of them says.
TEST_F(Phases, add_up_to_the_request_for_any_sequence) {
  std::mt19937 random{23};
  constexpr std::array kVisits{Phase::kRead, Phase::kDeserialize, Phase::kSerialize};
  struct Expected {
    std::uint64_t allocated = 0, peak = 0;
  };
  for (int round = 0; round < 60; ++round) {
    const Scope scope = begin_request(e_);
    std::array<Expected, ledger::kPhases> expected{};
    std::vector<std::uint64_t> blocks;
    std::uint64_t live = 0, allocated = 0, peak = 0;
    Phase base = Phase::kHandle;
    Phase phase = base;
    Visit visit = Visit::kNone;
    for (int i = 0; i < 3'000; ++i) {
      const auto what = random() % 100;
      if (what == 0 && i > 2'000) {
        base = Phase::kSend;
        begin_sending(e_, scope);
        if (visit == Visit::kNone) phase = base;
      } else if (what < 4 && visit == Visit::kNone) {
        phase = kVisits[random() % kVisits.size()];
        visit = enter_phase(e_, scope, phase);
      } else if (what < 8 && visit != Visit::kNone) {
        leave_phase(e_, scope, visit);
        visit = Visit::kNone;
        phase = base;
      } else if (blocks.empty() || what < 55) {
        const std::uint64_t bytes = 16 + random() % (what == 20 ? 4'000'000 : 600);
        allocate(scope, bytes);
        blocks.push_back(bytes);
        live += bytes;
        allocated += bytes;
        expected[static_cast<std::size_t>(phase)].allocated += bytes;
      } else {
        std::swap(blocks[random() % blocks.size()], blocks.back());
        release(scope, blocks.back());
        live -= blocks.back();
        blocks.pop_back();
      }
      Expected& now = expected[static_cast<std::size_t>(phase)];
      now.peak = std::max(now.peak, live);
      peak = std::max(peak, live);
    }
    while (!blocks.empty()) {
      release(scope, blocks.back());
      blocks.pop_back();
    }
    const ledger::RingRecord& row = finish(scope);
    ASSERT_EQ(row.peak_bytes, peak);
    ASSERT_EQ(row.allocated_bytes, allocated);
    std::uint64_t us = 0;
    for (std::size_t i = 0; i < ledger::kPhases; ++i) {
      const PhaseFigures found = row.phases[i].figures();
      ASSERT_EQ(found.allocated_bytes, expected[i].allocated) << "phase " << i << ", round " << round;
      ASSERT_EQ(found.peak_bytes, expected[i].peak) << "phase " << i << ", round " << round;
      us += found.us;
    }
    ASSERT_LE(us, row.duration_ns / 1'000);
    ASSERT_GE(us + ledger::kPhases, row.duration_ns / 1'000);
  }
}

TEST_F(Phases, marks_beside_threads_that_allocate_lose_nothing) {
  const Scope scope = begin_request(e_);
  const OwnerId owner{scope.owner};
  constexpr int kTimes = 20'000;
  std::thread other([&] {
    for (int i = 0; i < kTimes; ++i) {
      credit_off_gil(e_, owner, 64);
      debit_off_gil(e_, owner, 64);
    }
  });
  for (int i = 0; i < kTimes; ++i) {
    const Visit visit = enter_phase(e_, scope, i % 2 == 0 ? Phase::kRead : Phase::kSerialize);
    leave_phase(e_, scope, visit);
  }
  other.join();
  const ledger::RingRecord& row = finish(scope);
  std::uint64_t allocated = 0;
  for (const PackedPhase& phase : row.phases) allocated += phase.figures().allocated_bytes;
  EXPECT_EQ(allocated, std::uint64_t{64} * kTimes);
  EXPECT_EQ(row.allocated_bytes, allocated);
  EXPECT_EQ(row.peak_bytes, 64U);
}

TEST_F(Phases, the_seam_marks_them) {
  const hl_scope scope = hl_begin();
  const hl_scope before = hl_enter(scope);
  const int entered = hl_enter_phase(scope, HL_PHASE_DESERIALIZE);
  hl_allocated(address(1), 4'096);
  hl_leave_phase(scope, entered);
  EXPECT_EQ(hl_enter_phase(scope, HL_PHASE_SEND), 0);
  hl_allocated(address(2), 512);
  hl_leave_phase(scope, 0);
  hl_leave_phase(scope, 77);
  hl_enter(before);
  hl_leave(scope, nullptr);
  const ledger::RingRecord& row = e_.ledger.ring[0];
  EXPECT_EQ(of(row, Phase::kDeserialize).allocated_bytes, 4'096U);
  EXPECT_EQ(of(row, Phase::kSend).allocated_bytes, 512U);
  EXPECT_EQ(of(row, Phase::kSend).peak_bytes, 4'608U);
  expect_balanced();
}

TEST(PackedPhase, holds_forty_bits_of_bytes_and_stays_at_the_largest) {
  constexpr std::uint64_t kLargest = (std::uint64_t{1} << 40) - 1;
  std::mt19937_64 random{5};
  for (int i = 0; i < 10'000; ++i) {
    const PhaseFigures figures{random() >> (24 + random() % 40), random() >> (24 + random() % 40),
                               random() >> (32 + random() % 32)};
    ASSERT_EQ(PackedPhase::of(figures).figures(), figures);
  }
  const PhaseFigures most = PackedPhase::of({kLargest + 1, ~std::uint64_t{0}, std::uint64_t{1} << 40}).figures();
  EXPECT_EQ(most, (PhaseFigures{kLargest, kLargest, 0xFFFF'FFFF}));
}

TEST_F(Phases, body_limits_are_kept_by_endpoint_and_setting) {
  const EndpointId upload = intern_endpoint(e_, {"POST", "/upload", "", false});
  EXPECT_TRUE(note_body_limit(e_, EndpointId{0}, "Flask MAX_CONTENT_LENGTH", 1'000));
  EXPECT_TRUE(note_body_limit(e_, upload, "Flask MAX_CONTENT_LENGTH", ledger::kNoBodyLimit));
  EXPECT_TRUE(note_body_limit(e_, EndpointId{0}, "Flask MAX_CONTENT_LENGTH", 2'000));
  const ledger::Header& header = e_.ledger.header;
  ASSERT_EQ(header.body_limit_count.load(), 2U);
  EXPECT_EQ(header.body_limits[0].limit_bytes, 2'000U);
  EXPECT_EQ(header.body_limits[1].endpoint, upload.raw());
  for (std::uint32_t i = 2; i < ledger::kBodyLimits; ++i) {
    EXPECT_TRUE(note_body_limit(e_, EndpointId{0}, "setting " + std::to_string(i), i));
  }
  EXPECT_FALSE(note_body_limit(e_, EndpointId{0}, "one too many", 1));
}

}  // namespace
}  // namespace heapledger::engine
