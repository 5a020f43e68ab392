#include "recording/figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "recording/request_flags.h"

namespace heapledger::recording {
namespace {

constexpr double kBinsPerOctave = 8;
constexpr std::int32_t kLowestBin = -8 * 64;
constexpr std::int32_t kHighestBin = 8 * 96;

struct NamedFigure {
  const char* name;
  FoldedFigure SliceRow::*figure;
};

constexpr std::array kFigures{
    NamedFigure{"in_flight_peak", &SliceRow::in_flight_peak},
    NamedFigure{"allocated_bytes", &SliceRow::allocated_bytes},
    NamedFigure{"allocations", &SliceRow::allocations},
    NamedFigure{"peak_bytes", &SliceRow::peak_bytes},
    NamedFigure{"escaped_bytes", &SliceRow::escaped_bytes},
    NamedFigure{"isolated_bytes", &SliceRow::isolated_bytes},
    NamedFigure{"adopted_bytes", &SliceRow::adopted_bytes},
    NamedFigure{"native_allocated_bytes", &SliceRow::native_allocated_bytes},
    NamedFigure{"native_peak_bytes", &SliceRow::native_peak_bytes},
    NamedFigure{"byte_seconds", &SliceRow::byte_seconds},
    NamedFigure{"duration_us", &SliceRow::duration_us},
    NamedFigure{"after_response_bytes", &SliceRow::after_response_bytes},
};

}  // namespace

std::int32_t figure_bin(double value) {
  if (!(value > 0)) return 0;
  const double bin = 1 + std::floor(kBinsPerOctave * std::log2(value));
  const auto clamped = static_cast<std::int32_t>(std::clamp<double>(bin, kLowestBin, kHighestBin));
  // Zero is taken by the value zero: fractions move down by one.
  return clamped <= 0 ? clamped - 1 : clamped;
}

void add_value(FoldedFigure& figure, double value) {
  figure.sum += value;
  figure.max = std::max(figure.max, value);
  ++figure.bins[figure_bin(value)];
}

void merge(FoldedFigure& into, const FoldedFigure& from) {
  into.sum += from.sum;
  into.max = std::max(into.max, from.max);
  for (const auto& [bin, count] : from.bins) into.bins[bin] += count;
}

bool is_error(const RequestRow& request) { return is_error(request.status, request.flags); }

void add_request(SliceRow& slice, const RequestRow& request) {
  ++slice.requests;
  if (is_error(request)) ++slice.errors;
  const auto add = [](FoldedFigure& figure, std::int64_t value) { add_value(figure, static_cast<double>(value)); };
  add(slice.in_flight_peak, request.in_flight_peak);
  add(slice.allocated_bytes, request.allocated_bytes);
  add(slice.allocations, request.allocations);
  add(slice.peak_bytes, request.peak_bytes);
  add(slice.escaped_bytes, request.escaped_bytes);
  add(slice.isolated_bytes, request.isolated_bytes);
  add(slice.adopted_bytes, request.adopted_bytes);
  if (request.native_allocated_bytes) add(slice.native_allocated_bytes, *request.native_allocated_bytes);
  if (request.native_peak_bytes) add(slice.native_peak_bytes, *request.native_peak_bytes);
  add_value(slice.byte_seconds, request.byte_seconds);
  add(slice.duration_us, request.duration_us);
  add(slice.after_response_bytes, request.after_response_bytes);
}

void merge(SliceRow& into, const SliceRow& from) {
  into.from_us = std::min(into.from_us, from.from_us);
  into.until_us = std::max(into.until_us, from.until_us);
  into.requests += from.requests;
  into.errors += from.errors;
  for (const NamedFigure& named : kFigures) merge(into.*named.figure, from.*named.figure);
}

std::string figures_json(const SliceRow& slice) {
  nlohmann::json document = nlohmann::json::object();
  for (const NamedFigure& named : kFigures) {
    const FoldedFigure& figure = slice.*named.figure;
    nlohmann::json bins = nlohmann::json::array();
    for (const auto& [bin, count] : figure.bins) bins.push_back({bin, count});
    document[named.name] = {{"sum", figure.sum}, {"max", figure.max}, {"bins", std::move(bins)}};
  }
  return document.dump();
}

void parse_figures_json(const std::string& json, SliceRow& slice) {
  const nlohmann::json document = nlohmann::json::parse(json);
  for (const NamedFigure& named : kFigures) {
    FoldedFigure& figure = slice.*named.figure;
    const nlohmann::json& stored = document.at(named.name);
    figure.sum = stored.at("sum").get<double>();
    figure.max = stored.at("max").get<double>();
    for (const nlohmann::json& bin : stored.at("bins")) {
      const auto index = bin.at(0).get<std::int64_t>();
      const auto count = bin.at(1).get<std::int64_t>();
      if (index < kLowestBin - 1 || index > kHighestBin || count < 0) throw std::out_of_range("bin");
      figure.bins[static_cast<std::int32_t>(index)] += count;
    }
  }
}

}  // namespace heapledger::recording
