// Collector: what services say of their versions, from ledgers to rows.
#include <gtest/gtest.h>

#include "../ledger/synthetic_ledger.h"
#include "../ledger/temporary_folder.h"
#include "recording/collector.h"
#include "recording/run_folder.h"
#include "recordings_for_tests.h"

namespace heapledger::recording {
namespace {

using heapledger::testing::SyntheticLedger;
using heapledger::testing::TemporaryFolder;

TEST(CollectorMarks, NoticesAndCompatibilityMarksBecomeRows) {
  const TemporaryFolder folder;
  const std::string path = folder / "r.db";
  const std::string run_folder = create_run_folder(folder.path());
  std::unique_ptr<Store> store = Store::create(path, beginning());
  SyntheticLedger synthetic;
  const std::uint32_t old = synthetic.add_endpoint("GET", "/old");
  synthetic.add_request(1, old);
  synthetic.raw().endpoints[old].notice_offset = synthetic.add_text("@1688169599\nSun, 30 Jun 2030 23:59:59 GMT");
  synthetic.raw().endpoints[old].notice_bytes = 41;
  const std::uint32_t name = synthetic.add_text("old fields");
  synthetic.header().compat_marks[0] = {name, 10, old, 0, 3, 3000, 1500, 9'000'000};
  synthetic.header().compat_marks[1] = {name, 3, 999, 0, 1, 10, 10, 1000};
  synthetic.header().compat_marks[2] = {0xFFFF'FFFF, 10, old, 0, 1, 10, 10, 1000};
  synthetic.header().compat_mark_count.store(3);
  synthetic.header().compat_calls_without_mark = 7;
  synthetic.write_to(run_folder + "/1.ledger");
  CollectorOptions options;
  options.run_folder = run_folder;
  Collector(*store, options).finish();
  store->close(kStartedNs + 1'000'000'000, true);

  const Recording recording(path);
  const std::vector<EndpointNoticeRow> notices = recording.endpoint_notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].endpoint, recording.endpoints().at(0).id);
  EXPECT_EQ(notices[0].deprecation, "@1688169599");
  EXPECT_EQ(notices[0].sunset, "Sun, 30 Jun 2030 23:59:59 GMT");
  const std::vector<CompatMarkRow> marks = recording.compat_marks();
  ASSERT_EQ(marks.size(), 3U);
  EXPECT_EQ(marks[0].name, "old fields");
  EXPECT_EQ(marks[0].calls, 3);
  EXPECT_EQ(marks[0].allocated_bytes, 3000);
  EXPECT_EQ(marks[0].peak_bytes, 1500);
  EXPECT_EQ(marks[0].duration_us, 9000);
  EXPECT_EQ(marks[1].name, "old");
  EXPECT_FALSE(marks[1].endpoint);
  EXPECT_EQ(marks[2].name, "");
  EXPECT_EQ(marks[2].calls, 7);
}

}  // namespace
}  // namespace heapledger::recording
