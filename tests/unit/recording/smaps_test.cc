#include "recording/smaps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "recording/segment_reader.h"
#include "recording/segments.h"

namespace heapledger::recording {
namespace {

using testing::HasSubstr;

// One mapping as Linux 6.18 prints it.
std::string mapping(const std::string& header, int rss, int pss, int shared, int priv, const char* flags = "rd wr mr") {
  std::ostringstream text;
  text << header
       << "\nSize:               1024 kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\nRss:      " << rss
       << " kB\nPss:      " << pss << " kB\nPss_Dirty:             0 kB\nShared_Clean:      " << shared / 2
       << " kB\nShared_Dirty:      " << shared - shared / 2
       << " kB\nPrivate_Clean:         0 kB\nPrivate_Dirty:      " << priv << " kB\nReferenced:         " << rss
       << " kB\nAnonymous:            0 kB\nTHPeligible:           0\n"
       << "VmFlags: " << flags << " \n";
  return text.str();
}

std::optional<std::vector<Mapping>> parse(const std::string& text, std::size_t step = 1 << 20) {
  SmapsParser parser("/run/h/77-1.ledger");
  for (std::size_t at = 0; at < text.size(); at += step) parser.feed(std::string_view(text).substr(at, step));
  return parser.finish() ? std::optional(parser.mappings()) : std::nullopt;
}

constexpr std::uint64_t kKiB = 1024;

std::string a_process() {
  return mapping("00400000-0041f000 r--p 00000000 fe:00 260811                     /usr/bin/python3.11", 100, 50, 80,
                 20) +
         mapping("0041f000-006d2000 r-xp 0001f000 fe:00 260811                     /usr/bin/python3.11", 8, 8, 0, 8) +
         mapping("24487000-24562000 rw-p 00000000 00:00 0                          [heap]", 40, 40, 0, 40) +
         mapping("7f0000000000-7f0000100000 rw-p 00000000 00:00 0 ", 12, 12, 0, 12, "rd wr mr mw me nr dd nh ac") +
         mapping("7f0000200000-7f0000300000 rw-s 00000000 00:1a 77                 /run/h/77-1.ledger (deleted)", 16, 8,
                 16, 0) +
         mapping("7f0000400000-7f0000500000 r--p 00000000 fe:00 5                  /data/model weights.bin", 24, 24, 0,
                 24) +
         mapping("7f0000600000-7f0000700000 rw-s 00000000 00:01 9                  /dev/zero (deleted)", 4, 2, 4, 0) +
         mapping("7ffc37df9000-7ffc37e1a000 rw-p 00000000 00:00 0                  [stack]", 20, 20, 0, 20) +
         mapping("7ffc37f00000-7ffc37f02000 r-xp 00000000 00:00 0                  [vdso]", 4, 0, 4, 0);
}

std::optional<PageCount> no_pages(AddressRange) { return std::nullopt; }

std::uint64_t rss_of(const SegmentSums& sums, SegmentKind kind) {
  return sums.kinds[static_cast<std::size_t>(kind)].rss_bytes / kKiB;
}

TEST(Smaps, AreTheSameWhereverTheyAreCut) {
  const auto whole = parse(a_process());
  ASSERT_TRUE(whole);
  ASSERT_EQ(whole->size(), 9U);
  EXPECT_EQ((*whole)[0].start, 0x400000U);
  EXPECT_EQ((*whole)[0].end, 0x41f000U);
  EXPECT_EQ((*whole)[0].inode, 260811U);
  EXPECT_EQ((*whole)[0].shared_bytes, 80 * kKiB);
  EXPECT_EQ((*whole)[0].private_bytes, 20 * kKiB);
  EXPECT_TRUE((*whole)[1].executable);
  EXPECT_TRUE((*whole)[3].marked);
  for (const std::size_t step : {1U, 7U, 80U}) {
    const auto cut = parse(a_process(), step);
    ASSERT_TRUE(cut);
    ASSERT_EQ(cut->size(), whole->size());
    for (std::size_t i = 0; i < cut->size(); ++i) EXPECT_EQ(std::memcmp(&(*cut)[i], &(*whole)[i], sizeof(Mapping)), 0);
  }
}

TEST(Segments, AreToldByNameFileAndMark) {
  const SegmentSums sums = sum_segments(*parse(a_process()), {}, no_pages);
  EXPECT_EQ(rss_of(sums, SegmentKind::kLibraries), 112U);  // both parts of the program, and the vdso
  EXPECT_EQ(rss_of(sums, SegmentKind::kMallocHeap), 40U);
  EXPECT_EQ(rss_of(sums, SegmentKind::kHeapledger), 28U);  // its marked pages and the ledger
  EXPECT_EQ(rss_of(sums, SegmentKind::kMappedFiles), 24U);
  EXPECT_EQ(rss_of(sums, SegmentKind::kSharedMemory), 4U);
  EXPECT_EQ(rss_of(sums, SegmentKind::kStacks), 20U);
  EXPECT_EQ(rss_of(sums, SegmentKind::kOtherAnonymous), 0U);
  EXPECT_EQ(sums.rss_bytes, 228 * kKiB);
}

TEST(Segments, AnArenaThatWasJoinedWithOtherMemoryIsTakenOutByItsPages) {
  const auto mappings = parse(mapping("7f0000000000-7f0000400000 rw-p 00000000 00:00 0 ", 3000, 3000, 1000, 2000));
  KnownMemory known;
  known.python_arenas = {{0x7f0000100000, 0x7f0000300000}};
  const auto count = [](AddressRange range) {
    EXPECT_EQ(range.start, 0x7f0000100000U);
    EXPECT_EQ(range.end, 0x7f0000300000U);
    return std::optional(PageCount{2000 * kKiB, 1500 * kKiB});
  };
  const SegmentSums sums = sum_segments(*mappings, known, count);
  const auto& arenas = sums.kinds[static_cast<std::size_t>(SegmentKind::kPythonArenas)];
  EXPECT_EQ(arenas.rss_bytes, 2000 * kKiB);
  EXPECT_EQ(arenas.private_bytes, 1500 * kKiB);
  EXPECT_EQ(arenas.shared_bytes, 500 * kKiB);
  EXPECT_EQ(rss_of(sums, SegmentKind::kOtherAnonymous), 1000U);
  const SegmentSums untold = sum_segments(*mappings, known, no_pages);
  EXPECT_EQ(rss_of(untold, SegmentKind::kOtherAnonymous), 3000U);
}

TEST(Segments, PagesThatCameAfterTheReadingAreNotCounted) {
  const auto mappings = parse(mapping("7f0000000000-7f0000400000 rw-p 00000000 00:00 0 ", 300, 300, 100, 200));
  KnownMemory known;
  known.python_arenas = {{0x7f0000100000, 0x7f0000300000}};
  const auto count = [](AddressRange) { return std::optional(PageCount{2000 * kKiB, 1900 * kKiB}); };
  const SegmentSums sums = sum_segments(*mappings, known, count);
  EXPECT_EQ(rss_of(sums, SegmentKind::kPythonArenas) + rss_of(sums, SegmentKind::kOtherAnonymous), 300U);
}

TEST(Segments, HeapsOfThreadsAreToldByTheirReservedRest) {
  const std::string heap = mapping("7f4c60000000-7f4c60021000 rw-p 00000000 00:00 0 ", 96, 96, 0, 96);
  const std::string rest = mapping("7f4c60021000-7f4c64000000 ---p 00000000 00:00 0 ", 0, 0, 0, 0);
  EXPECT_EQ(rss_of(sum_segments(*parse(heap + rest), {}, no_pages), SegmentKind::kMallocHeap), 96U);
  EXPECT_EQ(rss_of(sum_segments(*parse(heap), {}, no_pages), SegmentKind::kOtherAnonymous), 96U);
  const std::string less = mapping("7f4c60021000-7f4c63fff000 ---p 00000000 00:00 0 ", 0, 0, 0, 0);
  EXPECT_EQ(rss_of(sum_segments(*parse(heap + less), {}, no_pages), SegmentKind::kOtherAnonymous), 96U);
}

TEST(Segments, StacksAreToldByTheirGuardAndSize) {
  KnownMemory known;
  known.stack_bytes = 8 << 20;
  const std::string guard = mapping("7f4c6cf30000-7f4c6cf31000 ---p 00000000 00:00 0 ", 0, 0, 0, 0);
  const std::string stack = mapping("7f4c6cf31000-7f4c6d731000 rw-p 00000000 00:00 0 ", 20, 20, 0, 20);
  const std::string larger = mapping("7f4c6cf31000-7f4c6d735000 rw-p 00000000 00:00 0 ", 36, 36, 0, 36);
  const std::string smaller = mapping("7f4c6cf31000-7f4c6d730000 rw-p 00000000 00:00 0 ", 20, 20, 0, 20);
  EXPECT_EQ(rss_of(sum_segments(*parse(guard + stack), known, no_pages), SegmentKind::kStacks), 20U);
  EXPECT_EQ(rss_of(sum_segments(*parse(stack), known, no_pages), SegmentKind::kStacks), 0U);
  EXPECT_EQ(rss_of(sum_segments(*parse(guard + smaller), known, no_pages), SegmentKind::kStacks), 0U);
  const auto count = [](AddressRange range) {
    EXPECT_EQ(range.end - range.start, 8U << 20U);
    return std::optional(PageCount{20 * kKiB, 20 * kKiB});
  };
  const SegmentSums sums = sum_segments(*parse(guard + larger), known, count);
  EXPECT_EQ(rss_of(sums, SegmentKind::kStacks), 20U);
  EXPECT_EQ(rss_of(sums, SegmentKind::kOtherAnonymous), 16U);
}

TEST(Segments, LibrariesOfOursAreOurs) {
  const std::string header = "7f0000000000-7f0000001000 r-xp 00000000 fe:00 7 ";
  const auto kind = [&](const std::string& path) {
    const SegmentSums sums = sum_segments(*parse(mapping(header + path, 4, 4, 0, 4)), {}, no_pages);
    return rss_of(sums, SegmentKind::kHeapledger) == 4 ? "ours" : "theirs";
  };
  EXPECT_STREQ(kind("/site-packages/heapledger/libheapledger_engine.so"), "ours");
  EXPECT_STREQ(kind("/site-packages/heapledger/_engine.cpython-311-x86_64-linux-gnu.so"), "ours");
  EXPECT_STREQ(kind("/site-packages/other/_engine.cpython-311-x86_64-linux-gnu.so"), "theirs");
  EXPECT_STREQ(kind("/site-packages/heapledger/numpy.so"), "theirs");
  EXPECT_STREQ(kind("/site-packages/heapledger/libheapledger_engine.txt"), "theirs");
}

TEST(Smaps, ThatContradictThemselvesAreRefused) {
  const std::string good = mapping("7f0000000000-7f0000100000 rw-p 00000000 00:00 0 ", 12, 12, 0, 12);
  EXPECT_TRUE(parse(good));
  EXPECT_FALSE(parse(good + good));  // a mapping that was told twice
  EXPECT_FALSE(parse(mapping("7f0000100000-7f0000000000 rw-p 00000000 00:00 0 ", 0, 0, 0, 0)));
  EXPECT_FALSE(parse(mapping("7f0000100000 rw-p 00000000 00:00 0 ", 0, 0, 0, 0)));
  EXPECT_FALSE(parse("Rss: 4 kB\n"));
  EXPECT_FALSE(parse(good + "Rss: none\n"));
  EXPECT_FALSE(parse(good + "Rss: 18446744073709551615 kB\nRss: 18446744073709551615 kB\nRss: 9223372036854775 kB\n" +
                     "Rss: 18446744073709551615 kB\n"));
  EXPECT_FALSE(parse(good.substr(0, good.size() - 1)));
  EXPECT_FALSE(parse(good + "7f0000200000-7f0000300000 rw-p 00000000 00:00 5 /" + std::string(1 << 20, 'x') + "\n"));
  EXPECT_TRUE(parse("\n\n"));
}

TEST(Smaps, AFileMayHaveAnyName) {
  const std::string hostile = "/tmp/[heap]\\012Rss: 9 kB (deleted) \xff\x1b[31m";
  const auto mappings = parse(mapping("7f0000000000-7f0000100000 rw-p 00000000 fe:00 8 " + hostile, 12, 12, 0, 12));
  ASSERT_TRUE(mappings);
  EXPECT_EQ((*mappings)[0].name, Mapping::Name::kFile);
  EXPECT_EQ((*mappings)[0].rss_bytes, 12 * kKiB);
}

// This very process: what is summed is what the kernel sums.
TEST(SegmentReader, AgreesWithTheKernelToThePage) {
  const std::size_t bytes = 8 << 20;
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, bytes);
  KnownMemory known;
  const auto start = reinterpret_cast<std::uintptr_t>(memory) + (2 << 20);
  known.python_arenas = {{start, start + (3 << 20)}};  // in the middle of it
  const auto rollup = [] {
    std::ifstream file("/proc/self/smaps_rollup");
    std::stringstream text;
    text << file.rdbuf();
    return kilobyte_field(text.str(), "Rss");
  };
  for (int i = 0;; ++i) {  // a reading allocates; under a sanitizer each does, and nothing goes back
    const std::int64_t before = rollup();
    const SegmentsRead read = read_segments(static_cast<std::uint64_t>(::getpid()), "", known);
    ASSERT_TRUE(read.sums) << read.failure;
    std::uint64_t sum = 0;
    for (const auto& kind : read.sums->kinds) {
      EXPECT_EQ(kind.rss_bytes, kind.shared_bytes + kind.private_bytes);
      sum += kind.rss_bytes;
    }
    EXPECT_EQ(sum, read.sums->rss_bytes);
    EXPECT_EQ(rss_of(*read.sums, SegmentKind::kPythonArenas), 3U << 10U);
    EXPECT_GE(rss_of(*read.sums, SegmentKind::kOtherAnonymous), 5U << 10U);
    const std::int64_t after = rollup();
    if (before <= static_cast<std::int64_t>(sum) && static_cast<std::int64_t>(sum) <= after) break;
    ASSERT_LT(i, 50);
  }
  ::munmap(memory, bytes);
}

TEST(SegmentReader, APidThatIsNobodysIsGone) {
  const SegmentsRead read = read_segments(std::uint64_t{1} << 30, "", {});
  EXPECT_FALSE(read.sums);
  EXPECT_EQ(read.failure, "");
}

}  // namespace
}  // namespace heapledger::recording
