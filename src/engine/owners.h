// Owner slots: taken for requests and imports, recycled when an ended owner's live bytes reach zero, shared per
// endpoint by tenured owners. Endpoints and strings are interned in the ledger beside them.
// Under the GIL. Never allocates: what finds no room is folded and counted.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/engine.h"

namespace heapledger::engine {

// Lay out the service owner; once, before anything is credited.
void prepare_owners(Engine& e) noexcept;

// A fresh open owner, or OwnerId{0} when no slot is free.
OwnerId take_owner(Engine& e, OwnerKind kind) noexcept;

// An ended owner without live bytes goes back to the free slots; its totals go to the header's retired books.
void recycle(Engine& e, OwnerId owner) noexcept;

// The endpoint's tenured owner, made at first need; the service owner when no slot is free.
HL_EXPORT OwnerId tenured_owner(Engine& e, EndpointId endpoint) noexcept;

// The owner of what importing this top-level module allocates; the service owner when no slot is free.
HL_EXPORT OwnerId import_owner(Engine& e, std::string_view top_level_module) noexcept;

struct EndpointName {
  std::string_view method;
  std::string_view route;
  std::string_view version;
  bool deprecated = false;
};
// The endpoint's id; a full table answers with (method, "<other>") and counts.
HL_EXPORT EndpointId intern_endpoint(Engine& e, const EndpointName& name) noexcept;

struct StringRef {
  std::uint32_t offset = 0;
  std::uint16_t bytes = 0;
};
// A place in the string heap that holds `text` (cut at 1,024 bytes, between characters); empty when the heap is full.
HL_EXPORT StringRef intern_string(Engine& e, std::string_view text) noexcept;

}  // namespace heapledger::engine
