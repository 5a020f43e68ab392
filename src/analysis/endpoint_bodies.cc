#include "analysis/endpoint_bodies.h"

#include <algorithm>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

constexpr std::int32_t kFirstFailure = 400;

bool failed(const recording::BodyRow& row) {
  return row.status >= kFirstFailure || row.approximate || row.raised || row.disconnected;
}

}  // namespace

std::uint32_t EndpointBodies::number_of(const BodyKind& kind, std::uint32_t likely) {
  if (likely < kinds_.size() && kinds_[likely] == kind) {
    return likely;
  }
  const auto [found, is_new] = numbers_.try_emplace(kind, static_cast<std::uint32_t>(kinds_.size()));
  if (is_new) {
    kinds_.push_back(kind);
  }
  return found->second;
}

void EndpointBodies::add_phases(const recording::BodyRow& row) {
  const std::uint64_t peak = count_of(row.peak_bytes);
  phased_peak_bytes_ += static_cast<long double>(peak);
  for (std::size_t i = 0; i < recording::kPhases; ++i) {
    const recording::PhaseFigures& figures = (*row.phases)[i];
    PhaseValues& phase = phases_[i];
    phase.allocated_bytes.add(count_of(figures.allocated_bytes));
    phase.peak_bytes.add(count_of(figures.peak_bytes));
    phase.duration_us.add(count_of(figures.duration_us));
    phase.peaks_reached += peak > 0 && count_of(figures.peak_bytes) >= peak ? 1 : 0;
    phase.peak_share_bytes += static_cast<long double>(std::min(count_of(figures.allocated_bytes), peak));
  }
}

void EndpointBodies::add(const recording::BodyRow& row) {
  const auto last = [this](std::size_t side) { return kind_numbers_[side].empty() ? 0 : kind_numbers_[side].back(); };
  const std::uint32_t request_kind = number_of({row.request_type, row.request_encoding}, last(kRequestSide));
  const std::uint32_t response_kind = number_of({row.response_type, row.response_encoding}, last(kResponseSide));
  kind_numbers_[kRequestSide].push_back(request_kind);
  kind_numbers_[kResponseSide].push_back(response_kind);
  sizes_[kRequestSide].add(count_of(row.received_bytes));
  sizes_[kResponseSide].add(count_of(row.sent_bytes));
  peaks_.add(count_of(row.peak_bytes));
  const int marks = (failed(row) ? kFailed : 0) | (row.received_in_pieces ? kPiecesIn : 0) |
                    (row.sent_in_pieces ? kPiecesOut : 0) | (row.received_whole ? kWholeIn : 0);
  marks_.push_back(static_cast<std::uint8_t>(marks));
  if (row.phases) {
    add_phases(row);
  }
}

}  // namespace heapledger::analysis
