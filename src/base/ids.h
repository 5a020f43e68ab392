// Ids as distinct types: an owner is not an endpoint, and neither is a number. One way in (explicit), one way out
// (raw()). Thread-safe (values), never allocates.
#pragma once

#include <compare>
#include <cstdint>

namespace heapledger::base {

template <typename Tag, typename Raw>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(Raw raw) noexcept : raw_(raw) {}
  constexpr Raw raw() const noexcept { return raw_; }
  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  Raw raw_ = 0;
};

using OwnerId = Id<struct OwnerTag, std::uint16_t>;        // slot of the ledger
using EndpointId = Id<struct EndpointTag, std::uint32_t>;  // row of the ledger's endpoint table

}  // namespace heapledger::base
