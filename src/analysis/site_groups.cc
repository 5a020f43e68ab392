#include "analysis/site_groups.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string>

#include "analysis/row_arithmetic.h"
#include "analysis/statistics/poisson.h"

namespace heapledger::analysis {
namespace {

constexpr double kConfidence = 0.95;

bool has_folder(std::string_view file, std::string_view name) {
  const std::size_t at = file.find(name);
  return at != std::string_view::npos && (at == 0 || file[at - 1] == '/') &&
         (at + name.size() < file.size() && file[at + name.size()] == '/');
}

// ".../lib/python3.11/...", but not ".../lib/python/...".
bool is_in_python(std::string_view file) {
  constexpr std::string_view kFolder = "/python";
  for (std::size_t at = file.find(kFolder); at != std::string_view::npos; at = file.find(kFolder, at + 1)) {
    std::size_t end = at + kFolder.size();
    const bool in_lib = at >= 3 && (file.substr(at - 3, 3) == "lib" || (at >= 5 && file.substr(at - 5, 5) == "lib64"));
    const std::size_t digits = end;
    while (end < file.size() && (std::isdigit(static_cast<unsigned char>(file[end])) != 0 || file[end] == '.')) {
      ++end;
    }
    if (in_lib && end > digits && end < file.size() && (file[end] == '/' || file[end] == 't')) {
      return true;
    }
  }
  return false;
}

double amount(double value) { return real_of(value); }

}  // namespace

bool is_application_file(std::string_view file) {
  // The command that a package installs, "/venv/bin/uvicorn": it is at the root of every stack.
  const bool command = has_folder(file, "bin") && !file.ends_with(".py");
  return !command && !file.empty() && file.front() != '<' && !has_folder(file, "site-packages") &&
         !has_folder(file, "dist-packages") && !is_in_python(file) && !has_folder(file, "heapledger/adapters");
}

EstimatedBytes estimate_of(double bytes, std::uint64_t samples) {
  if (samples == 0) {
    return {};
  }
  const statistics::CountInterval interval = statistics::poisson_interval(samples, kConfidence);
  return {rounded_count(bytes), rounded_count(bytes * interval.low_ratio), rounded_count(bytes * interval.high_ratio)};
}

SiteGrouping::SiteGrouping(const SiteTables& tables) {
  for (const auto& place : tables.places) {
    places_[place.id] = &place;
  }
  for (const auto& stack : tables.stacks) {
    stacks_[stack.id] = &stack;
  }
}

std::size_t SiteGrouping::application_place(const recording::StackRow& row) const {
  for (std::size_t i = 0; i < row.places.size(); ++i) {
    const auto place = places_.find(row.places[i]);
    if (place != places_.end() && is_application_file(place->second->file)) {
      return i;
    }
  }
  return row.places.size();
}

CodeStack SiteGrouping::stack_of(const recording::StackRow* row) const {
  CodeStack stack;
  if (row == nullptr) {
    return stack;
  }
  for (const std::int64_t id : row->places) {
    const auto place = places_.find(id);
    if (place != places_.end()) {
      stack.places.push_back({place->second->function, place->second->file, place->second->line});
    }
  }
  stack.truncated = row->truncated;
  stack.application_place = std::min(application_place(*row), stack.places.size());
  return stack;
}

CodeStack SiteGrouping::stack(const std::optional<std::int64_t>& id) const {
  const auto found = id ? stacks_.find(*id) : stacks_.end();
  return stack_of(found == stacks_.end() ? nullptr : found->second);
}

std::vector<SiteGroup> SiteGrouping::group(const std::vector<const recording::SiteRow*>& rows,
                                           double recording::SiteRow::*weight) const {
  struct Sum {
    SiteGroup group;
    std::map<const recording::StackRow*, double> stacks;
    double weight = 0;
  };
  std::map<std::vector<std::int64_t>, Sum> sums;  // by the places up to the application's
  for (const recording::SiteRow* row : rows) {
    const auto found = row->stack ? stacks_.find(*row->stack) : stacks_.end();
    const recording::StackRow* stack = found == stacks_.end() ? nullptr : found->second;
    std::vector<std::int64_t> key;
    if (stack != nullptr) {
      const std::size_t last = std::min(application_place(*stack) + 1, stack->places.size());
      key.assign(stack->places.begin(), stack->places.begin() + static_cast<std::ptrdiff_t>(last));
    }
    Sum& sum = sums[key];
    sum.group.samples += count_of(row->samples);
    sum.group.retained_samples += count_of(row->retained_samples);
    sum.group.allocated_bytes += amount(row->allocated_bytes);
    sum.group.peak_bytes += amount(row->peak_bytes);
    sum.group.retained_bytes += amount(row->retained_bytes);
    sum.group.retained_blocks += amount(row->retained_blocks);
    sum.weight += amount(row->*weight);
    sum.stacks[stack] += amount(row->*weight);
  }
  std::vector<std::pair<double, SiteGroup>> ordered;
  for (auto& [key, sum] : sums) {
    const auto lighter = [](const auto& a, const auto& b) { return a.second < b.second; };
    sum.group.stack = stack_of(std::max_element(sum.stacks.begin(), sum.stacks.end(), lighter)->first);
    ordered.emplace_back(sum.weight, std::move(sum.group));
  }
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<SiteGroup> groups;
  for (auto& [sum, site] : ordered) {
    groups.push_back(std::move(site));
  }
  return groups;
}

}  // namespace heapledger::analysis
