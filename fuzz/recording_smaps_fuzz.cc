// Fuzzes the reading of /proc/PID/smaps: the input is cut in two at a place that it chooses, every part of it is taken
// for text, and what was understood of it is classified with addresses that it also chooses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "recording/segments.h"
#include "recording/smaps.h"

using heapledger::recording::AddressRange;
using heapledger::recording::KnownMemory;
using heapledger::recording::PageCount;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint64_t words[4] = {};
  if (size < sizeof words) return 0;
  std::memcpy(words, data, sizeof words);
  const std::string_view text(reinterpret_cast<const char*>(data) + sizeof words, size - sizeof words);
  const std::size_t cut = text.empty() ? 0 : words[0] % text.size();
  heapledger::recording::SmapsParser parser("/run/1-1.ledger");
  parser.feed(text.substr(0, cut));
  parser.feed(text.substr(cut));
  parser.finish();
  KnownMemory known;
  known.python_arenas = {{words[1], words[2]}, {words[2], words[3]}};
  known.own = {words[3], words[1]};
  known.stack_bytes = words[2] % (std::uint64_t{1} << 24);
  const auto count = [&words](AddressRange range) {
    return range.start % 2 == 0 ? std::optional(PageCount{words[1], words[2]}) : std::nullopt;
  };
  const auto sums = heapledger::recording::sum_segments(parser.mappings(), known, count);
  std::uint64_t rss = 0;
  for (const auto& kind : sums.kinds) rss += kind.rss_bytes;
  if (rss != sums.rss_bytes) std::abort();
  return 0;
}
