// Strings that came from the service (routes, methods, names), made safe to print.
//
// Threat: a route may hold anything, and a terminal obeys escape sequences. Every control character (C0, DEL, C1, also
// newline and tab), every character that hides or turns the text around it (zero-width, bidirectional) and every byte
// that is not UTF-8 is written out visibly: \x1b, \n, \u202e, \xff. A backslash stays what it is.
// Pure functions; thread-safe; allocate their result.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace heapledger::report {

std::string printable(std::string_view text);

// Columns a terminal needs for printable text: 2 for East Asian wide characters and emoji, 0 for combining marks.
std::size_t display_width(std::string_view printable_text);

// Cuts the middle out, so that the result needs at most `width` columns: "/api/v1/or…/items". Width 1 or more.
std::string shorten_middle(const std::string& printable_text, std::size_t width);

// For a command line that is meant to be copied: quoted for a POSIX shell where that is needed.
std::string shell_quoted(std::string_view text);

}  // namespace heapledger::report
