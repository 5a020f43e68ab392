// Text from services, made safe to store: valid UTF-8 without NUL bytes. Thread-safe, allocates.
#pragma once

#include <string>
#include <string_view>

namespace heapledger::recording {

// Each byte that does not belong to a valid UTF-8 sequence, and each NUL, becomes U+FFFD.
std::string clean_text(std::string_view text);

}  // namespace heapledger::recording
