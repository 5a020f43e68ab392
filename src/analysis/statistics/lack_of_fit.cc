#include "analysis/statistics/lack_of_fit.h"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <cstddef>
#include <span>

namespace heapledger::analysis::statistics {
namespace {

constexpr std::size_t kMostGroups = 8;
constexpr std::size_t kLeastRows = 8;
constexpr double kSignificance = 0.99;
constexpr double kRelevant = 0.05;
constexpr double kSmallShare = 0.25;  // of the median: what smaller fits are off by is measured by it
constexpr double kByte = 1;

using Rows = std::span<const FittedRow>;

double median_of(Rows rows, double FittedRow::*member) {
  std::vector<double> values;
  for (const FittedRow& row : rows) values.push_back(row.*member);
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Equal x stay in one group; a last one that is too small joins the one before.
std::vector<Rows> groups_of(const std::vector<FittedRow>& rows) {
  const std::size_t wanted = std::max(kLeastRows, (rows.size() + kMostGroups - 1) / kMostGroups);
  std::vector<Rows> groups;
  std::size_t from = 0;
  for (std::size_t i = 1; i <= rows.size(); ++i) {
    const bool ends = i == rows.size() || (i - from >= wanted && rows[i].x != rows[i - 1].x);
    if (!ends) continue;
    if (i - from < kLeastRows && !groups.empty()) {
      from -= groups.back().size();
      groups.pop_back();
    }
    groups.push_back(Rows(rows).subspan(from, i - from));
    from = i;
  }
  return groups;
}

double unevenness(Rows group) {
  double above = 0;
  double below = 0;
  for (const FittedRow& row : group) {
    above += row.residual > kByte ? 1 : 0;
    below += row.residual < -kByte ? 1 : 0;
  }
  return above + below > 0 ? (above - below) * (above - below) / (above + below) : 0;
}

bool is_off(Rows group, double least_fitted) {
  const double fitted = std::max(least_fitted, std::abs(median_of(group, &FittedRow::fitted)));
  return std::abs(median_of(group, &FittedRow::residual)) > kRelevant * fitted;
}

}  // namespace

std::optional<bool> follows_line(std::vector<FittedRow> rows) {
  std::sort(rows.begin(), rows.end(), [](const FittedRow& a, const FittedRow& b) { return a.x < b.x; });
  const std::vector<Rows> groups = groups_of(rows);
  if (groups.size() < 3) {
    return std::nullopt;
  }
  double statistic = 0;
  bool off = false;
  const double least_fitted = kSmallShare * std::abs(median_of(rows, &FittedRow::fitted));
  for (const Rows& group : groups) {
    statistic += unevenness(group);
    off = off || is_off(group, least_fitted);
  }
  const boost::math::chi_squared chi(static_cast<double>(groups.size() - 2));
  return !(off && statistic > boost::math::quantile(chi, kSignificance));
}

}  // namespace heapledger::analysis::statistics
