// Whether a median line describes how y follows x, from the signs of what it leaves over.
//
// Rows are put in up to eight groups of neighbours by x. Under the line each residual is above or below with equal
// chance, whatever its size, so that
//
//   X = sum over groups (above - below)^2 / (above + below)
//
// is about chi-square with (groups - 2) degrees (two of them went into the line). The line does not hold when X is
// beyond its 99 % quantile and some group's median residual is more than 5 % of its median fitted value, and of a
// quarter of the median of all: what is only significant, or only the smallest bodies' concern, is not called curved.
// Assumptions: rows are independent; a group has 8 rows or more. Residuals of a byte or less count as neither side.
// Source: a sign test by groups, as D. Andrews' chi-square test of fit, Econometrica 56 (1988).
// Pure; thread-safe; allocates; fork-safe.
#pragma once

#include <optional>
#include <vector>

namespace heapledger::analysis::statistics {

struct FittedRow {
  double x = 0;
  double fitted = 0;
  double residual = 0;
};

// Absent where x has fewer than three groups of values. Takes the rows by value: it sorts them.
std::optional<bool> follows_line(std::vector<FittedRow> rows);

}  // namespace heapledger::analysis::statistics
