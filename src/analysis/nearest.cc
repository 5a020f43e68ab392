#include "analysis/nearest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace heapledger::analysis {
namespace {

// Insertions, deletions and replacements; a swap of neighbours counts once.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

// Takes the text up to the next slash off `path`.
std::string_view take_segment(std::string_view& path) {
  const std::size_t length = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, length);
  path.remove_prefix(std::min(length + 1, path.size()));
  return segment;
}

// Whether a path is one of a template's: segments that hold a parameter, "{id}" or "<int:id>", take any text. A
// template of nothing else would be everybody's.
bool is_path_of(std::string_view path, std::string_view route) {
  const auto slashes = [](std::string_view text) { return std::count(text.begin(), text.end(), '/'); };
  if (slashes(path) != slashes(route)) return false;
  bool literal = false;
  while (!path.empty() || !route.empty()) {
    const std::string_view given = take_segment(path);
    const std::string_view known = take_segment(route);
    const bool parameter = known.find_first_of("{<") != std::string_view::npos;
    if (parameter ? given.empty() : given != known) return false;
    literal = literal || (!parameter && !known.empty());
  }
  return literal;
}

std::string with_fewest_edits(std::string_view word, const std::vector<std::string>& candidates, std::size_t most) {
  std::string best;
  std::size_t best_edits = most + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t apart =
        candidate.size() > word.size() ? candidate.size() - word.size() : word.size() - candidate.size();
    if (apart >= best_edits) continue;  // so many edits at least
    const std::size_t count = edits(word, candidate);
    if (count < best_edits) {
      best_edits = count;
      best = candidate;
    }
  }
  return best;
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestWord = 64;
  if (word.size() > kLongestWord) return {};
  return with_fewest_edits(word, candidates, std::max<std::size_t>(1, word.size() / 3));
}

std::string nearest_route(std::string_view word, const std::vector<std::string>& routes) {
  constexpr std::size_t kLongestRoute = 512;
  const std::size_t blank = word.find(' ');
  if (blank != std::string_view::npos && word.find('/') == blank + 1) word.remove_prefix(blank + 1);
  word = word.substr(0, word.find('?'));
  if (word.empty() || word.size() > kLongestRoute) return {};
  const auto fits = [word](const std::string& route) { return is_path_of(word, route); };
  const auto found = std::find_if(routes.begin(), routes.end(), fits);
  if (found != routes.end()) return *found;
  return with_fewest_edits(word, routes, std::max<std::size_t>(1, word.size() / 2));
}

}  // namespace heapledger::analysis
