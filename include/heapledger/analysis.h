// What a recording says, for programs: the analyses behind the verbs of the command line, as C++ classes.
//
// Each class is constructed on the path of a recording; its methods read it and return plain values, whose to_text(),
// to_json() and to_csv() are byte for byte what the command line prints. Conventions as in recording_info.h.
#pragma once

#include "heapledger/payload_analyzer.h"
#include "heapledger/pool_monitor.h"
#include "heapledger/rate_limiter.h"
#include "heapledger/request_isolator.h"
#include "heapledger/version_comparator.h"
