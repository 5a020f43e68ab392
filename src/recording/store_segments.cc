// What the store keeps of the workers' memory by kind of mapping.
#include <string_view>

#include "recording/store_state.h"
#include "recording/words.h"

namespace heapledger::recording {

void Store::replace_segments(const SegmentReadingRow& reading) {
  const std::string_view moment = reading.first ? "first" : "latest";
  Statement replace(state_->database,
                    "REPLACE INTO segment_reading (worker, moment, at_us, rss_bytes, pss_bytes, reason) "
                    "VALUES (?, ?, ?, ?, ?, ?)");
  replace.bind(reading.worker).bind(moment).bind(reading.at_us).bind(reading.rss_bytes).bind(reading.pss_bytes);
  replace.bind(std::string_view(reading.reason)).run();
  Statement(state_->database, "DELETE FROM segment WHERE worker = ? AND moment = ?")
      .bind(reading.worker)
      .bind(moment)
      .run();
  Statement insert(state_->database,
                   "INSERT INTO segment (worker, moment, kind, rss_bytes, shared_bytes, private_bytes) "
                   "VALUES (?, ?, ?, ?, ?, ?)");
  for (const SegmentRow& segment : reading.segments) {
    insert.bind(reading.worker).bind(moment).bind(std::string_view(word_for(kSegmentKindNames, segment.kind)));
    insert.bind(segment.rss_bytes).bind(segment.shared_bytes).bind(segment.private_bytes).run();
  }
}

}  // namespace heapledger::recording
