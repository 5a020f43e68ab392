// The small tables of a recording, read at once: everything but its requests, of which there may be millions.
// Plain values. Allocates.
#pragma once

#include <string>
#include <vector>

#include "recording/recording.h"
#include "recording/rows.h"

namespace heapledger::analysis {

struct RecordingTables {
  std::string path;
  recording::MetaRow meta;
  std::vector<recording::WorkerRow> workers;
  std::vector<recording::EndpointRow> endpoints;
  std::vector<recording::OwnerTotalRow> owner_totals;
  std::vector<recording::InFlightRow> in_flight;
  std::vector<recording::PeakRow> peaks;
  std::vector<recording::SliceRow> slices;
  std::int64_t end_us = 0;  // of the recording, or while it is written of the latest thing it holds
};

RecordingTables read_tables(const recording::Recording& source);

// Without reading single requests: while it is written, the end is the latest start that `spans` know of.
RecordingTables read_tables(const recording::Recording& source, const std::vector<recording::RequestSpanRow>& spans);

}  // namespace heapledger::analysis
