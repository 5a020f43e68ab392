#include "recording/segments.h"

#include <algorithm>
#include <set>
#include <utility>

namespace heapledger::recording {
namespace {

constexpr std::uint64_t kHeapBytes = std::uint64_t{64} << 20;  // glibc's HEAP_MAX_SIZE where pointers have 64 bits

struct Part {
  AddressRange range;
  SegmentKind kind = SegmentKind::kOtherAnonymous;
};

bool is_anonymous(const Mapping& mapping) { return mapping.name == Mapping::Name::kNone && mapping.inode == 0; }

bool touches(const Mapping& before, const Mapping& after) { return before.end == after.start; }

class Classifier {
 public:
  Classifier(const std::vector<Mapping>& mappings, const KnownMemory& known, const CountPages& count)
      : mappings_(mappings), known_(known), count_(count) {
    for (const Mapping& mapping : mappings) {
      if (mapping.executable && mapping.inode != 0) programs_.insert({mapping.device, mapping.inode});
    }
    std::sort(arenas_.begin(), arenas_.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  }

  SegmentSums sum() {
    for (std::size_t i = 0; i < mappings_.size(); ++i) {
      const Mapping& mapping = mappings_[i];
      sums_.rss_bytes += mapping.rss_bytes;
      sums_.pss_bytes += mapping.pss_bytes;
      if (is_anonymous(mapping) && !mapping.marked) {
        add_anonymous(i);
      } else {
        add(kind_of(mapping), {mapping.rss_bytes, mapping.shared_bytes, mapping.private_bytes});
      }
    }
    return sums_;
  }

 private:
  SegmentKind kind_of(const Mapping& mapping) const {
    switch (mapping.name) {
      case Mapping::Name::kHeap:
      case Mapping::Name::kMalloc:
        return SegmentKind::kMallocHeap;
      case Mapping::Name::kStack:
        return SegmentKind::kStacks;
      case Mapping::Name::kKernel:
        return SegmentKind::kLibraries;
      case Mapping::Name::kPythonArena:
        return SegmentKind::kPythonArenas;
      case Mapping::Name::kOwnFile:
        return SegmentKind::kHeapledger;
      case Mapping::Name::kSharedMemory:
        return SegmentKind::kSharedMemory;
      case Mapping::Name::kNone:
        if (mapping.inode == 0) return SegmentKind::kHeapledger;  // marked
        break;
      case Mapping::Name::kFile:
        break;
    }
    const bool program = programs_.contains({mapping.device, mapping.inode});
    return program ? SegmentKind::kLibraries : SegmentKind::kMappedFiles;
  }

  void add(SegmentKind kind, const SegmentSums::Sum& part) {
    SegmentSums::Sum& sum = sums_.kinds[static_cast<std::size_t>(kind)];
    sum.rss_bytes += part.rss_bytes;
    sum.shared_bytes += part.shared_bytes;
    sum.private_bytes += part.private_bytes;
  }

  // Parts of the mapping that are told, in the order of their addresses, none of them twice.
  std::vector<Part> parts_of(std::size_t index) const {
    const Mapping& mapping = mappings_[index];
    std::vector<Part> parts;
    const auto tell = [&](AddressRange range, SegmentKind kind) {
      range = {std::max(range.start, mapping.start), std::min(range.end, mapping.end)};
      const auto overlaps = [range](const Part& part) {
        return range.start < part.range.end && part.range.start < range.end;
      };
      const bool told = std::any_of(parts.begin(), parts.end(), overlaps);
      if (range.start < range.end && !told) parts.push_back({range, kind});
    };
    auto arena = std::upper_bound(arenas_.begin(), arenas_.end(), mapping.start,
                                  [](std::uint64_t at, const AddressRange& range) { return at < range.end; });
    for (; arena != arenas_.end() && arena->start < mapping.end; ++arena) tell(*arena, SegmentKind::kPythonArenas);
    tell(known_.own, SegmentKind::kHeapledger);
    if (const auto heap = heap_in(index)) tell(*heap, SegmentKind::kMallocHeap);
    if (const auto stack = stack_in(index)) tell(*stack, SegmentKind::kStacks);
    return parts;
  }

  std::optional<AddressRange> heap_in(std::size_t index) const {
    const Mapping& mapping = mappings_[index];
    if (!mapping.writable || index + 1 == mappings_.size()) return std::nullopt;
    const Mapping& rest = mappings_[index + 1];
    const std::uint64_t begin = (mapping.end - 1) / kHeapBytes * kHeapBytes;
    const bool reserved =
        is_anonymous(rest) && rest.inaccessible() && touches(mapping, rest) && rest.end - begin >= kHeapBytes;
    return reserved && begin >= mapping.start ? std::optional(AddressRange{begin, mapping.end}) : std::nullopt;
  }

  std::optional<AddressRange> stack_in(std::size_t index) const {
    const Mapping& mapping = mappings_[index];
    if (!mapping.writable || index == 0 || known_.stack_bytes == 0) return std::nullopt;
    const Mapping& guard = mappings_[index - 1];
    const bool guarded = is_anonymous(guard) && guard.inaccessible() && touches(guard, mapping) &&
                         guard.end - guard.start == known_.page_bytes;
    const bool fits = mapping.end - mapping.start >= known_.stack_bytes;
    return guarded && fits ? std::optional(AddressRange{mapping.start, mapping.start + known_.stack_bytes})
                           : std::nullopt;
  }

  void add_anonymous(std::size_t index) {
    const Mapping& mapping = mappings_[index];
    SegmentSums::Sum rest{mapping.rss_bytes, mapping.shared_bytes, mapping.private_bytes};
    if (mapping.rss_bytes == 0) return;
    const std::vector<Part> parts = parts_of(index);
    if (parts.size() == 1 && parts[0].range.start == mapping.start && parts[0].range.end == mapping.end) {
      add(parts[0].kind, rest);
      return;
    }
    for (const Part& part : parts) {
      const std::optional<PageCount> pages = count_(part.range);
      if (!pages) break;
      // Counted a moment later than the mapping was: never more than it has.
      SegmentSums::Sum sum;
      sum.private_bytes = std::min(pages->private_bytes, rest.private_bytes);
      sum.shared_bytes =
          std::min(pages->resident_bytes - std::min(pages->resident_bytes, pages->private_bytes), rest.shared_bytes);
      sum.rss_bytes = std::min(sum.private_bytes + sum.shared_bytes, rest.rss_bytes);
      rest.private_bytes -= sum.private_bytes;
      rest.shared_bytes -= sum.shared_bytes;
      rest.rss_bytes -= sum.rss_bytes;
      add(part.kind, sum);
    }
    add(SegmentKind::kOtherAnonymous, rest);
  }

  const std::vector<Mapping>& mappings_;
  const KnownMemory& known_;
  const CountPages& count_;
  std::vector<AddressRange> arenas_ = known_.python_arenas;
  std::set<std::pair<std::uint64_t, std::uint64_t>> programs_;  // files of which some part is executable
  SegmentSums sums_;
};

}  // namespace

SegmentSums sum_segments(const std::vector<Mapping>& mappings, const KnownMemory& known, const CountPages& count) {
  return Classifier(mappings, known, count).sum();
}

}  // namespace heapledger::recording
