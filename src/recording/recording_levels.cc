// What models of capacity read of every request, in one pass over a few of its columns.
#include "recording/recording_state.h"

namespace heapledger::recording {
namespace {

constexpr Table<RequestLevelRow, 7> kRequestLevels{"request",
                                                   {{{"endpoint", &RequestLevelRow::endpoint, Holds::kEndpoint},
                                                     {"started_us", &RequestLevelRow::started_us},
                                                     {"duration_us", &RequestLevelRow::duration_us, Holds::kSize},
                                                     {"received_bytes", &RequestLevelRow::received_bytes, Holds::kSize},
                                                     {"peak_bytes", &RequestLevelRow::peak_bytes, Holds::kSize},
                                                     {"byte_seconds", &RequestLevelRow::byte_seconds},
                                                     {"curve", &RequestLevelRow::curve}}}};

}  // namespace

void Recording::for_each_request_level(const std::function<void(const RequestLevelRow&)>& visit) const {
  Statement select(*state_->database, select_from(kRequestLevels, "ORDER BY id").c_str());
  while (select.step()) visit(state_->read(kRequestLevels, select));
}

}  // namespace heapledger::recording
