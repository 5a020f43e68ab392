// The rows of the workers' memory by kind of mapping.
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "recording/recording_state.h"
#include "recording/words.h"

namespace heapledger::recording {
namespace {

std::optional<SegmentKind> kind_of(const std::string& word) {
  for (const auto& [known, kind] : kSegmentKindNames) {
    if (word == known) return kind;
  }
  return std::nullopt;
}

}  // namespace
std::vector<SegmentReadingRow> Recording::segment_readings() const {
  const auto is_first = [this](const std::string& moment) {
    if (moment != "first" && moment != "latest") state_->damaged("a reading of memory is neither first nor latest");
    return moment == "first";
  };
  std::vector<SegmentReadingRow> rows;
  std::map<std::pair<std::int64_t, bool>, std::size_t> places;
  Statement readings(*state_->database,
                     "SELECT worker, moment, at_us, rss_bytes, pss_bytes, reason FROM segment_reading "
                     "ORDER BY worker, moment");
  while (readings.step()) {
    SegmentReadingRow row;
    row.worker = state_->worker(readings, 0);
    row.first = is_first(readings.text(1));
    row.at_us = readings.integer(2);
    row.rss_bytes = readings.optional_size(3);
    row.pss_bytes = readings.optional_size(4);
    row.reason = readings.text(5);
    places[{row.worker, row.first}] = rows.size();
    rows.push_back(std::move(row));
  }
  Statement segments(*state_->database,
                     "SELECT worker, moment, kind, rss_bytes, shared_bytes, private_bytes FROM segment "
                     "ORDER BY worker, moment, kind");
  while (segments.step()) {
    const auto found = places.find({state_->worker(segments, 0), is_first(segments.text(1))});
    if (found == places.end()) state_->damaged("a kind of memory belongs to no reading");
    const std::optional<SegmentKind> kind = kind_of(segments.text(2));
    if (!kind) state_->damaged("a kind of memory is unknown");
    const SegmentRow row{*kind, segments.size(3), segments.size(4), segments.size(5)};
    if (row.shared_bytes > row.rss_bytes || row.private_bytes > row.rss_bytes) {
      state_->damaged("a kind of memory has parts that are larger than the whole");
    }
    rows[found->second].segments.push_back(row);
  }
  return rows;
}

}  // namespace heapledger::recording
