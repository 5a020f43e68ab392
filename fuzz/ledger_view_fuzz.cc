// Fuzzes LedgerView: the input lies over a ledger's header and, at places it chooses, over the other areas. Whatever
// the file says, every function must answer within bounds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "ledger/ledger_view.h"

namespace {

using heapledger::ledger::Ledger;
using heapledger::ledger::LedgerView;

Ledger& shared_ledger() {
  static const std::unique_ptr<Ledger> ledger = std::make_unique<Ledger>();
  return *ledger;
}

// Input: chunks of a 4-byte place, a 2-byte length and that many bytes.
void lay_out(Ledger& ledger, const std::uint8_t* data, std::size_t size) {
  auto* bytes = reinterpret_cast<unsigned char*>(&ledger);
  while (size > 6) {
    std::uint32_t place = 0;
    std::uint16_t length = 0;
    std::memcpy(&place, data, sizeof place);
    std::memcpy(&length, data + sizeof place, sizeof length);
    data += 6;
    size -= 6;
    place = static_cast<std::uint32_t>(place % sizeof(Ledger));
    const std::size_t count = std::min<std::size_t>({length, size, sizeof(Ledger) - place});
    std::memcpy(bytes + place, data, count);
    data += count;
    size -= count;
  }
}

void identify(Ledger& ledger) {
  ledger.header.magic = heapledger::ledger::kMagic;
  ledger.header.layout_version = heapledger::ledger::kLayoutVersion;
  ledger.header.header_bytes = sizeof(heapledger::ledger::Header);
  ledger.header.file_bytes = heapledger::ledger::kLedgerBytes;
}

void read_everything(LedgerView& view) {
  view.counters();
  const auto read_request = [&](const heapledger::ledger::FinishedRequest& request) {
    view.endpoint(request.endpoint);
    view.text(request.request_type);
    view.text(request.response_type);
  };
  const auto read_event = [&](const heapledger::ledger::PoolEvent& event) { view.stack(event.stack); };
  view.drain(true, heapledger::ledger::kRingRecords, read_request, read_event);
  view.release();
  for (const auto& total : view.owner_totals()) view.text(total.name);
  view.responded_requests();
  view.open_requests();
  view.totals();
  view.live_bytes();
  view.peak();
  view.sample();
  view.lives();
  view.cohorts();
  view.flows();
  view.pools();
  for (const auto& connection : view.connections()) view.stack(connection.stack);
  for (const auto& site : view.sites()) view.stack(site.stack);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Ledger& ledger = shared_ledger();
  std::memset(static_cast<void*>(&ledger), 0, sizeof ledger);
  lay_out(ledger, data, size);
  std::string error;
  LedgerView::over(ledger, error);  // as it is: mostly refused
  identify(ledger);
  if (const auto view = LedgerView::over(ledger, error)) read_everything(*view);
  return 0;
}
