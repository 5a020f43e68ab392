// What Python's repr() says of a result: its class, its recording and its main figures, on one line. No names of the
// recorded service. Thread-safe; allocates.
#pragma once

#include <string>

namespace heapledger::analysis {
struct InterferenceResult;
struct LeaksResult;
struct LifecycleResult;
struct LimitsResult;
struct PayloadsResult;
struct PoolsResult;
struct RequestsResult;
struct SegmentsResult;
struct VersionsResult;
}  // namespace heapledger::analysis

namespace heapledger::cpython {

std::string repr_of(const analysis::InterferenceResult& result);
std::string repr_of(const analysis::LeaksResult& result);
std::string repr_of(const analysis::LifecycleResult& result);
std::string repr_of(const analysis::LimitsResult& result);
std::string repr_of(const analysis::PayloadsResult& result);
std::string repr_of(const analysis::PoolsResult& result);
std::string repr_of(const analysis::RequestsResult& result);
std::string repr_of(const analysis::SegmentsResult& result);
std::string repr_of(const analysis::VersionsResult& result);

}  // namespace heapledger::cpython
