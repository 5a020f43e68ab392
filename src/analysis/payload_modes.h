// Whether an endpoint holds bodies whole or passes them through, told by its memory; how the application reads and
// sends them is asked only where memory does not say.
//
// With a model, every sound request with a body of 1 MiB or more is looked at (a server reads up to some 320 KiB ahead
// of an application that takes it in pieces): it held the body when its peak less base and the other direction's part
// is half the body or more. Under a tenth that did: streamed; over nine tenths: buffered; else mixed. Where five such
// bodies are not there, the slope's interval decides when the line is straight and lies on one side of a half. Else an
// endpoint whose peaks are all below half of the smallest body streams; else a request's
// body that the application asked for whole is held, one that it took in several pieces streamed, and so is a response
// that it sent in several.
// Pure; thread-safe; allocates.
#pragma once

#include <cstddef>
#include <optional>

#include "analysis/endpoint_bodies.h"
#include "analysis/peak_model.h"
#include "heapledger/payload_analyzer.h"

namespace heapledger::analysis {

struct Treatment {
  PayloadMode mode = PayloadMode::kNone;
  std::optional<double>
      held_ratio;  // of a large body: the median, of mixed ones the 90th percentile; absent: not known
};

// with_body and in_pieces of `direction` are filled in already.
Treatment treatment_of(const EndpointBodies& bodies, const PeakModel& model, std::size_t side,
                       const PayloadDirection& direction);

}  // namespace heapledger::analysis
