// What the bindings of the analyses have in common. Needs the GIL; may raise as nanobind does.
#pragma once

#include <Python.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>

#include "cpython/result_repr.h"

namespace heapledger::cpython {

inline std::optional<std::string> text_or_none(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

// A getter: the member's text, None where it is empty.
template <class Row>
auto text_or_none(std::string Row::*member) {
  return [member](const Row& row) { return text_or_none(row.*member); };
}

// A path is bytes to the system.
inline std::string path_of(const nanobind::bytes& path) { return {path.c_str(), path.size()}; }

// A result's four renderings and its repr().
template <class Result>
void bind_renderings(nanobind::class_<Result>& result) {
  result.def("__repr__", [](const Result& it) { return repr_of(it); })
      .def("to_text", &Result::to_text)
      .def("to_json", &Result::to_json)
      .def("to_csv", &Result::to_csv)
      .def("to_dict", [](const Result& it) { return nanobind::module_::import_("json").attr("loads")(it.to_json()); });
}

}  // namespace heapledger::cpython
