// CSV after RFC 4180: a header line, lines end in CR LF, fields with a comma, quote or line break are quoted.
//
// A table is written from the JSON list of the same verb: an object inside a row becomes columns joined by `_`
// (allocated_bytes.p50 is allocated_bytes_p50), null is an empty field.
// Threats: a spreadsheet runs a text field that opens with = + - @, tab, CR, LF or their full-width forms as a formula:
// such a field gets an apostrophe in front. Other control characters are written out as in text (\x1b).
// Pure functions; thread-safe; allocate.
#pragma once

#include <string>
#include <string_view>

#include "report/json_document.h"

namespace heapledger::report {

// `full_row`: a row without nulls in place of objects, which fixes the columns and their order.
std::string write_csv(const Json& rows, const Json& full_row);

std::string csv_text_field(std::string_view text);

}  // namespace heapledger::report
