// How long something spent at each level of bytes, and how large things were: 32 logarithmic bins an octave, each
// with its weight and its weighted bytes, so that what stands for a bin is its weighted mean.
//
//   bin b holds levels in [2^(b/32), 2^((b+1)/32)); representative = weighted_bytes / weight
//
// Mean and integral are exact whatever the bins; only the spread within a bin (a factor of 1.02) is lost. Eight an
// octave are enough where a sum of many requests exceeds; where one does (heavy tails) the bin around what is free is
// wholly above it or below, which with eight may be a tenth of the probability. Levels below one byte weigh nothing in
// a capacity model and are dropped with their weight. Two histograms merge by adding. One thread at a time; allocates;
// fork-safe.
#pragma once

#include <cstdint>
#include <map>

namespace heapledger::analysis::statistics {

class LevelHistogram {
 public:
  struct Bin {
    double weight = 0;
    double weighted_bytes = 0;
    double bytes() const { return weighted_bytes / weight; }
  };

  void add(double bytes, double weight);
  void add(const LevelHistogram& other, double factor = 1);

  const std::map<std::int16_t, Bin>& bins() const { return bins_; }
  double weight() const;
  double weighted_bytes() const;

 private:
  std::map<std::int16_t, Bin> bins_;
};

}  // namespace heapledger::analysis::statistics
