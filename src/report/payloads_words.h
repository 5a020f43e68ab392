// The sentences of `heapledger payloads`: each one fact of an endpoint in words. Names that came from the service are
// not made printable here. Pure functions; thread-safe; allocate.
#pragma once

#include <string>

#include "heapledger/payload_analyzer.h"

namespace heapledger::report {

// "8.03", "15.1", "0.00".
std::string ratio_text(double ratio);

// Why there is no model, and what is needed; empty where there is one.
std::string model_reason(const analysis::PayloadDirection& direction, analysis::BodyDirection name);
std::string type_reason(const analysis::ContentTypeCost& type);

// "48.2 KiB + 8.00 x size (7.98 to 8.02)", or why that cannot be said.
std::string model_words(const analysis::PayloadDirection& direction, analysis::BodyDirection name);

// Whether the endpoint holds bodies, and what streaming saves or would save at p99.
std::string streaming_verdict(const analysis::EndpointPayloads& endpoint);

// "p50 1.0 MiB, p95 7.2 MiB, p99 57.6 MiB, largest 64.0 MiB".
std::string requirement_words(const analysis::PayloadRequirement& need);

// The framework's limit on bodies and what one of 100 MB would do; empty where no request had a body.
std::string limit_words(const analysis::EndpointPayloads& endpoint);

}  // namespace heapledger::report
