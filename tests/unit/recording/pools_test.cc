// Connection pools from ledgers to the recording: events, what became of each connection, and what is hostile.
#include <gtest/gtest.h>

#include <vector>

#include "../ledger/synthetic_ledger.h"
#include "../ledger/temporary_folder.h"
#include "recording/collector.h"
#include "recording/run_folder.h"
#include "recording/sqlite.h"
#include "recordings_for_tests.h"

namespace heapledger::recording {
namespace {

using heapledger::testing::SyntheticLedger;
using heapledger::testing::TemporaryFolder;
using ledger::ConnectionUse;
using ledger::PoolEventKind;

class PoolsRecorded : public ::testing::Test {
 protected:
  PoolsRecorded() : run_folder_(create_run_folder(folder_.path())), store_(Store::create(path(), beginning())) {}

  std::string path() const { return folder_ / "r.db"; }
  std::string ledger_path() const { return run_folder_ + "/1.ledger"; }

  std::uint32_t add_pool(const std::string& name) {
    const std::uint32_t id = std::max<std::uint32_t>(1, ledger_.header().pool_count.load());
    ledger::ConnectionPoolRecord& pool = ledger_.raw().pools[id];
    pool.name_offset = ledger_.add_text(name);
    pool.name_bytes = static_cast<std::uint16_t>(name.size());
    pool.library_offset = ledger_.add_text("redis");
    pool.library_bytes = 5;
    pool.settings_offset = ledger_.add_text("{}");
    pool.settings_bytes = 2;
    pool.max_size = 10;
    pool.min_size = pool.max_overflow = pool.timeout_us = pool.recycle_us = ledger::kPoolUnset;
    ledger_.header().pool_count.store(id + 1);
    return id;
  }

  ledger::PoolEventRecord& add_event(std::uint32_t pool, PoolEventKind kind, std::uint32_t connection) {
    const std::uint64_t index = ledger_.header().ring_head.fetch_add(1);
    auto& event = reinterpret_cast<ledger::PoolEventRecord&>(ledger_.raw().ring[index % ledger::kRingRecords]);
    event.record_kind = static_cast<std::uint32_t>(ledger::RecordKind::kPoolEvent);
    event.pool = pool;
    event.kind = kind;
    event.connection = connection;
    event.at_unix_ns = ledger_.header().started_unix_ns + (index + 1) * 1'000'000;
    event.created_unix_ns = ledger_.header().started_unix_ns;
    event.open = 3;
    event.in_use = 1;
    event.commit.store(index + 1);
    return event;
  }

  void add_connection(std::uint32_t owner, std::uint32_t pool, std::uint64_t number, ConnectionUse use,
                      std::int64_t live) {
    const bool open = use != ConnectionUse::kClosed;
    ledger::OwnerRecord& who =
        ledger_.set_owner(owner, ledger::OwnerKind::kConnection,
                          open ? ledger::OwnerState::kOpen : ledger::OwnerState::kEnded, 900, live);
    who.sequence = number;
    who.started_unix_ns = ledger_.header().started_unix_ns;
    who.connection = {};
    who.connection.pool = pool;
    who.connection.use = use;
    who.connection.last_event_unix_ns = ledger_.header().started_unix_ns + 1'000'000'000;
    if (!open) who.connection.closed_unix_ns = who.connection.last_event_unix_ns;
  }

  void collect() {
    ledger_.write_to(ledger_path());
    Collector collector(*store_, options());
    collector.drain_once();
    EXPECT_FALSE(collector.failed()) << collector.summary().failure;
    dropped_ = collector.summary().dropped_requests;
    store_->close(kStartedNs + 1'000'000'000, true);
    store_.reset();
  }
  CollectorOptions options() const {
    CollectorOptions options;
    options.run_folder = run_folder_;
    return options;
  }

  std::string text(const char* sql) const {
    const Recording check(path());  // it reads as one of ours
    Database database(path(), Database::Access::kRead);
    return database.query_text(sql);
  }

  TemporaryFolder folder_;
  std::string run_folder_;
  std::unique_ptr<Store> store_;
  SyntheticLedger ledger_;
  std::uint64_t dropped_ = 0;
};

TEST_F(PoolsRecorded, EventsBetweenRequestsAreStoredWithWhatTheySay) {
  const std::uint32_t orders = ledger_.add_endpoint("GET", "/orders");
  const std::uint32_t pool = add_pool("cache");
  ledger_.add_request(1, orders);
  add_event(pool, PoolEventKind::kCreate, 1);
  ledger::PoolEventRecord& checkout = add_event(pool, PoolEventKind::kCheckout, 1);
  checkout.flags = ledger::kEventWaited;
  checkout.wait_ns = 2'500'000;
  checkout.endpoint = orders;
  checkout.request_sequence = 2;
  checkout.live_bytes = 700;
  add_event(pool, PoolEventKind::kTimeout, 0);
  ledger_.add_request(2, orders);
  ledger_.header().dropped_pool_events.store(4);
  collect();
  EXPECT_EQ(text("SELECT count(*) || '' FROM request"), "2");
  EXPECT_EQ(text("SELECT name || library || max_size || settings || (min_size IS NULL) FROM pool"), "cacheredis10{}1");
  EXPECT_EQ(text("SELECT group_concat(kind) FROM pool_event"), "create,checkout,timeout");
  EXPECT_EQ(text("SELECT wait_us || '/' || request_sequence || '/' || live_bytes || '/' || size || in_use || idle || "
                 "(hold_us IS NULL) || (stack IS NULL) FROM pool_event WHERE kind = 'checkout'"),
            "2500/2/700/31211");
  EXPECT_EQ(text("SELECT route FROM endpoint, pool_event WHERE endpoint.id = endpoint AND kind = 'checkout'"),
            "/orders");
  EXPECT_EQ(text("SELECT (connection IS NULL) || '' FROM pool_event WHERE kind = 'timeout'"), "1");
  EXPECT_EQ(text("SELECT value || '' FROM meta WHERE key = 'dropped_pool_events'"), "4");
  EXPECT_EQ(dropped_, 0U);
}

TEST_F(PoolsRecorded, ADeadWorkersConnectionsStandAsItsLedgerHasThem) {
  const std::uint32_t pool = add_pool("cache");
  add_connection(2, pool, 1, ConnectionUse::kInUse, 800);
  add_connection(3, pool, 2, ConnectionUse::kIdle, 810);
  add_connection(4, pool, 3, ConnectionUse::kClosed, 20);
  add_connection(5, pool, 4, ConnectionUse::kOrphan, 30);
  add_event(pool, PoolEventKind::kCreate, 5);
  add_event(pool, PoolEventKind::kClose, 5).live_bytes = 50;  // it is gone since
  collect();
  EXPECT_EQ(text("SELECT group_concat(number || state || live_bytes, ' ') FROM connection"),
            "1in_use800 2idle810 3closed_kept20 4orphan30 5closed0");
  EXPECT_EQ(text("SELECT group_concat(closed_us IS NULL) FROM connection"), "1,1,0,1,0");
  EXPECT_EQ(text("SELECT kind || live_bytes FROM owner_total WHERE kind = 'connection'"), "connection1660");
}

TEST_F(PoolsRecorded, HostilePoolsAreLeftOut) {
  const std::uint32_t pool = add_pool("cache");
  add_event(pool, static_cast<PoolEventKind>(99), 1);
  add_event(ledger::kPools + 7, PoolEventKind::kCreate, 1);
  add_event(40, PoolEventKind::kCreate, 1);  // no such pool was described
  add_connection(2, ledger::kPools, 1, ConnectionUse::kIdle, 800);
  add_connection(3, pool, 2, static_cast<ConnectionUse>(77), 800);
  ledger::ConnectionPoolRecord& far = ledger_.raw().pools[add_pool("far")];
  far.name_offset = ~std::uint32_t{0};
  ledger_.header().pool_count.store(~std::uint32_t{0});
  collect();
  EXPECT_EQ(text("SELECT count(*) || '' FROM pool_event"), "0");
  EXPECT_EQ(text("SELECT count(*) || '' FROM connection"), "0");
  EXPECT_EQ(dropped_, 2U);
}

TEST_F(PoolsRecorded, TheOldestEventsMakeRoomAndAreCounted) {
  store_->begin();
  const std::int64_t worker = store_->add_worker(a_worker());
  const std::int64_t pool = store_->intern_pool({0, worker, "cache", "redis", {}, {}, {}, {}, {}, "{}"});
  for (std::int64_t at_us = 1; at_us <= 10; ++at_us) {
    PoolEventRow event;
    event.worker = worker;
    event.pool = pool;
    event.at_us = at_us;
    store_->add_pool_event(event);
    ConnectionRow connection;
    connection.worker = worker;
    connection.pool = pool;
    connection.number = at_us;
    connection.last_event_us = at_us;
    if (at_us % 2 == 0) connection.closed_us = at_us;
    if (at_us % 2 == 0) connection.state = ConnectionState::kClosed;
    store_->put_connection(connection);
  }
  store_->drop_oldest_pool_events(4);
  store_->drop_oldest_pool_events(2);
  store_->commit();
  store_->close(kStartedNs, true);
  store_.reset();
  EXPECT_EQ(text("SELECT group_concat(at_us) FROM pool_event"), "7,8,9,10");
  EXPECT_EQ(text("SELECT group_concat(number) FROM connection"), "1,3,5,7,8,9,10");
  EXPECT_EQ(text("SELECT value || '' FROM meta WHERE key = 'folded_pool_events'"), "6");
  EXPECT_EQ(text("SELECT value || '' FROM meta WHERE key = 'pool_events_since_us'"), "7");
}

}  // namespace
}  // namespace heapledger::recording
