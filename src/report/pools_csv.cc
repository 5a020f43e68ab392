#include "report/pools_csv.h"

#include <algorithm>

#include "report/csv.h"
#include "report/pools_json.h"

namespace heapledger::report {
namespace {

using analysis::PoolLeakKind;
using analysis::PoolUse;

Json flat_row(const PoolUse& pool) {
  Json row = pool_figures(pool);
  for (const PoolLeakKind kind :
       {PoolLeakKind::kNeverReturned, PoolLeakKind::kOrphan, PoolLeakKind::kClosedKept, PoolLeakKind::kHeldLong}) {
    row[name_of(kind)] = std::count_if(pool.leaks.begin(), pool.leaks.end(),
                                       [kind](const analysis::PoolLeak& leak) { return leak.kind == kind; });
  }
  return row;
}

PoolUse full() {
  PoolUse pool;
  pool.wait_seconds.emplace();
  pool.hold_seconds.emplace();
  pool.memory.per_connection_bytes.emplace();
  return pool;
}

}  // namespace

std::string pools_csv(const analysis::PoolsResult& result) {
  Json rows = Json::array();
  for (const PoolUse& pool : result.pools) {
    rows.push_back(flat_row(pool));
  }
  return write_csv(rows, flat_row(full()));
}

}  // namespace heapledger::report
