#include "analysis/api_version.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <vector>

namespace heapledger::analysis {
namespace {

constexpr std::size_t kSearchedSegments = 3;
constexpr std::size_t kLongestVersion = 12;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// v2, V1.1, v2_0; 2024-06, 2024-06-01.
bool is_version(std::string_view piece) {
  if (piece.size() < 2 || piece.size() > kLongestVersion) {
    return false;
  }
  const bool numbered = piece.front() == 'v' || piece.front() == 'V';
  const auto fits = [numbered](char c) { return is_digit(c) || (numbered ? c == '.' || c == '_' : c == '-'); };
  const bool any_digit = std::any_of(piece.begin(), piece.end(), is_digit);
  if (numbered) {
    return any_digit && std::all_of(piece.begin() + 1, piece.end(), fits);
  }
  const bool dated = (piece.size() == 7 || piece.size() == 10) && piece[4] == '-' && is_digit(piece.back());
  return dated && std::all_of(piece.begin(), piece.begin() + 4, is_digit) &&
         std::all_of(piece.begin(), piece.end(), fits);
}

std::vector<std::string_view> segments_of(std::string_view route) {
  std::vector<std::string_view> segments;
  while (!route.empty()) {
    const std::size_t slash = route.find('/');
    segments.push_back(route.substr(0, slash));
    route.remove_prefix(slash == std::string_view::npos ? route.size() : slash + 1);
  }
  return segments;
}

// Index of the version's segment, the number of segments when there is none. The first one is empty: before the slash.
std::size_t version_segment(const std::vector<std::string_view>& segments) {
  for (std::size_t i = 1; i < std::min(segments.size(), kSearchedSegments + 1); ++i) {
    if (is_version(segments[i])) {
      return i;
    }
  }
  return segments.size();
}

// "{order_id:int}", "<int:id>" and "(?P<pk>[^/.]+)" become "{}"; what does not close stays as it is.
std::string without_names(std::string_view segment) {
  std::string text;
  while (!segment.empty()) {
    const char open = segment.front();
    const char close = open == '{' ? '}' : open == '<' ? '>' : open == '(' ? ')' : '\0';
    std::size_t depth = 0;
    std::size_t end = 0;
    for (std::size_t i = 0; close != '\0' && i < segment.size() && end == 0; ++i) {
      depth += segment[i] == open ? 1U : 0U;
      depth -= segment[i] == close ? 1U : 0U;
      end = depth == 0 ? i + 1 : 0;
    }
    text += end > 0 ? "{}" : std::string(1, open);
    segment.remove_prefix(std::max<std::size_t>(end, 1));
  }
  return text;
}

std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  return digits;
}

}  // namespace

std::string version_in_route(std::string_view route) {
  const std::vector<std::string_view> segments = segments_of(route);
  const std::size_t found = version_segment(segments);
  std::string version(found < segments.size() ? segments[found] : std::string_view());
  std::transform(version.begin(), version.end(), version.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return version;
}

std::string route_without_version(std::string_view route) {
  if (!route.starts_with('/')) {  // <unmatched>, <app>, a piece of work
    return std::string(route);
  }
  const std::vector<std::string_view> segments = segments_of(route);
  const std::size_t version = version_segment(segments);
  std::string text;
  for (std::size_t i = 1; i < segments.size(); ++i) {
    if (i != version && !segments[i].empty()) {
      text += "/" + without_names(segments[i]);
    }
  }
  return text.empty() ? "/" : text;
}

bool is_earlier_version(std::string_view left, std::string_view right) {
  while (!left.empty() && !right.empty()) {
    if (is_digit(left.front()) && is_digit(right.front())) {
      const std::string_view a = take_digits(left);
      const std::string_view b = take_digits(right);
      if (a != b) {
        return a.size() != b.size() ? a.size() < b.size() : a < b;
      }
    } else if (left.front() != right.front()) {
      return left.front() < right.front();
    } else {
      left.remove_prefix(1);
      right.remove_prefix(1);
    }
  }
  return left.size() < right.size();
}

}  // namespace heapledger::analysis
