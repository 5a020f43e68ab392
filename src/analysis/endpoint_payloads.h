// Everything that `heapledger payloads` says of one endpoint, from its requests. Pure; thread-safe; allocates.
#pragma once

#include <vector>

#include "analysis/body_kinds.h"
#include "analysis/endpoint_bodies.h"
#include "heapledger/payload_analyzer.h"
#include "recording/body_rows.h"
#include "recording/rows.h"

namespace heapledger::analysis {

// bodies.requests() > 0. `limits`: those of the chosen workers that hold for this endpoint or for all.
EndpointPayloads summarize_payloads(const recording::EndpointRow& endpoint, const EndpointBodies& bodies,
                                    const PayloadNames& names,
                                    const std::vector<const recording::BodyLimitRow*>& limits);

}  // namespace heapledger::analysis
