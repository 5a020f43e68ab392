#include "report/code_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "analysis/site_groups.h"
#include "report/printable.h"

namespace heapledger::report {
namespace {

using analysis::CodePlace;
using analysis::CodeStack;

constexpr std::size_t kShownPlaces = 3;

std::string folder_of(const std::string& file) { return file.substr(0, file.find_last_of('/') + 1); }

// What a package is known by.
std::string after_packages(const std::string& file) {
  constexpr std::array<std::string_view, 2> kFolders{"/site-packages/", "/dist-packages/"};
  for (const std::string_view folder : kFolders) {
    if (const std::size_t at = file.rfind(folder); at != std::string::npos) {
      return file.substr(at + folder.size());
    }
  }
  return file.substr(file.find_last_of('/') + 1);
}

std::string shown_file(const CodePlace& place, const std::string& common) {
  if (!analysis::is_application_file(place.file)) {
    return after_packages(place.file);
  }
  if (!common.empty() && place.file.starts_with(common)) {
    return place.file.substr(common.size());
  }
  return place.file.starts_with('/') ? place.file.substr(place.file.find_last_of('/') + 1) : place.file;
}

std::string shown_place(const CodePlace& place, const std::string& common) {
  return fmt::format("{}:{} {}", printable(shown_file(place, common)), place.line, printable(place.function));
}

}  // namespace

std::string common_folder(const std::vector<const CodeStack*>& stacks) {
  std::string common;
  bool any = false;
  for (const CodeStack* stack : stacks) {
    for (const CodePlace& place : stack->places) {
      if (!analysis::is_application_file(place.file)) {
        continue;
      }
      const std::string folder = folder_of(place.file);
      common = any ? common : folder;
      any = true;
      while (!folder.starts_with(common)) {
        common.pop_back();
        common = folder_of(common);
      }
    }
  }
  return common;
}

std::string code_line(const CodeStack& stack, const std::string& common) {
  if (stack.places.empty()) {
    return "outside of Python code";
  }
  std::vector<std::string> shown;
  const bool outside = stack.application_place >= stack.places.size();
  const std::size_t first = outside ? 0 : stack.application_place;
  for (std::size_t i = first; i < stack.places.size() && shown.size() < kShownPlaces; ++i) {
    if (outside || analysis::is_application_file(stack.places[i].file)) {
      shown.push_back(shown_place(stack.places[i], common));
    }
  }
  return fmt::format("{}", fmt::join(shown, " < "));
}

}  // namespace heapledger::report
