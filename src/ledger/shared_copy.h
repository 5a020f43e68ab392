// Private copies of records that another process may be writing. Never allocates, thread-safe (no state), fork-safe.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace heapledger::ledger {

using AliasedWord [[gnu::may_alias]] = std::uint64_t;

// Word-wise relaxed copy: a plain memcpy of memory that another process writes may be torn within a word.
template <typename T>
void copy_words(const T& from, AliasedWord* to) noexcept {
  static_assert(sizeof(T) % sizeof(std::uint64_t) == 0 && alignof(T) >= alignof(std::uint64_t));
  const auto* words = reinterpret_cast<const AliasedWord*>(&from);
  for (std::size_t i = 0; i < sizeof(T) / sizeof(std::uint64_t); ++i) {
    to[i] = __atomic_load_n(words + i, __ATOMIC_RELAXED);
  }
}

// A private copy of a shared record, whose type may hold atomics and therefore not be copyable itself.
template <typename T>
class Copy {
 public:
  Copy() noexcept = default;
  explicit Copy(const T& from) noexcept { take(from); }
  void take(const T& from) noexcept { copy_words(from, reinterpret_cast<AliasedWord*>(bytes_)); }
  const T& operator*() const noexcept { return *reinterpret_cast<const T*>(bytes_); }
  const T* operator->() const noexcept { return &**this; }

 private:
  alignas(T) unsigned char bytes_[sizeof(T)] = {};
};

// A double that anybody may have written.
inline double finite(double value) noexcept { return std::isfinite(value) ? value : 0.0; }

}  // namespace heapledger::ledger
