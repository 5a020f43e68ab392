#include "analysis/statistics/folded_figure.h"

#include <cmath>

namespace heapledger::analysis::statistics {

double folded_value(std::int32_t bin) {
  if (bin == 0) {
    return 0;
  }
  const double low = std::exp2((bin > 0 ? bin - 1 : bin) / 8.0);
  const double high = std::exp2((bin > 0 ? bin : bin + 1) / 8.0);
  return 2 * low * high / (low + high);
}

}  // namespace heapledger::analysis::statistics
