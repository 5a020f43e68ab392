// Folding many requests into one slice, and slices into each other: exact counts, sums and maxima, binned
// distributions. Pure functions of values; thread-safe, allocate.
#pragma once

#include <cstdint>
#include <string>

#include "recording/rows.h"

namespace heapledger::recording {

// Bin of a value: 0 for zero (and less), else 1 + floor(8 * log2(value)); fractions below one go to bins below 1.
std::int32_t figure_bin(double value);

void add_value(FoldedFigure& figure, double value);
void merge(FoldedFigure& into, const FoldedFigure& from);

bool is_error(const RequestRow& request);
void add_request(SliceRow& slice, const RequestRow& request);
void merge(SliceRow& into, const SliceRow& from);  // also widens [from_us, until_us)

// The `figures` column. parse throws std::exception of some kind on anything else.
std::string figures_json(const SliceRow& slice);
void parse_figures_json(const std::string& json, SliceRow& slice);

}  // namespace heapledger::recording
