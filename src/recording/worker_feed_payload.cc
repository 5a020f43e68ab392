// A request's phases and encodings, and a worker's body limits, from its ledger into the store.
#include <array>

#include "recording/saturating.h"
#include "recording/text.h"
#include "recording/words.h"
#include "recording/worker_feed.h"

namespace heapledger::recording {
namespace {

using Size = std::optional<std::int64_t> PayloadRow::*;
struct PhaseColumns {
  Size allocated_bytes;
  Size peak_bytes;
  Size us;
};
// By ledger::Phase.
constexpr std::array<PhaseColumns, ledger::kPhases> kPhaseColumns{{
    {&PayloadRow::read_allocated_bytes, &PayloadRow::read_peak_bytes, &PayloadRow::read_us},
    {&PayloadRow::deserialize_allocated_bytes, &PayloadRow::deserialize_peak_bytes, &PayloadRow::deserialize_us},
    {&PayloadRow::handle_allocated_bytes, &PayloadRow::handle_peak_bytes, &PayloadRow::handle_us},
    {&PayloadRow::serialize_allocated_bytes, &PayloadRow::serialize_peak_bytes, &PayloadRow::serialize_us},
    {&PayloadRow::send_allocated_bytes, &PayloadRow::send_peak_bytes, &PayloadRow::send_us},
}};

constexpr std::array kEncodingNames{
    std::pair{"gzip", ledger::Encoding::kGzip},         std::pair{"deflate", ledger::Encoding::kDeflate},
    std::pair{"br", ledger::Encoding::kBrotli},         std::pair{"zstd", ledger::Encoding::kZstd},
    std::pair{"compress", ledger::Encoding::kCompress}, std::pair{"other", ledger::Encoding::kOther}};

}  // namespace

std::optional<std::int64_t> WorkerFeed::content_encoding(Store& store, ledger::Encoding encoding) {
  if (encoding == ledger::Encoding::kIdentity) return std::nullopt;
  return store.intern_content_encoding(word_for(kEncodingNames, encoding));
}

PayloadRow WorkerFeed::payload(Store& store, const ledger::FinishedRequest& request) {
  PayloadRow row;
  row.request_encoding = content_encoding(store, request.request_encoding);
  row.response_encoding = content_encoding(store, request.response_encoding);
  if (!request.phases) return row;
  for (std::size_t i = 0; i < kPhaseColumns.size(); ++i) {
    const ledger::PhaseFigures& figures = (*request.phases)[i];
    row.*kPhaseColumns[i].allocated_bytes = stored_size(figures.allocated_bytes);
    row.*kPhaseColumns[i].peak_bytes = stored_size(figures.peak_bytes);
    row.*kPhaseColumns[i].us = stored_size(figures.us);
  }
  return row;
}

void WorkerFeed::replace_body_limits(Store& store) {
  std::vector<BodyLimitRow> rows;
  for (const ledger::BodyLimitSeen& limit : view_->body_limits()) {
    BodyLimitRow row;
    if (limit.endpoint != ledger::kEndpointUnknown) {
      row.endpoint = known_endpoint(store, limit.endpoint);
      if (!row.endpoint) continue;
    }
    row.setting = clean_text(limit.setting);
    if (limit.limit_bytes) row.limit_bytes = stored_size(*limit.limit_bytes);
    if (!row.setting.empty()) rows.push_back(std::move(row));
  }
  store.replace_body_limits(row_.id, rows);
}

}  // namespace heapledger::recording
