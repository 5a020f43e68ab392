// Sampled stacks as lines of text: "app/report.py:41 render < app/views.py:88 report". Of paths only what tells files
// apart is shown, never a whole one. Pure functions; thread-safe; allocate. All strings come out printable().
#pragma once

#include <string>
#include <vector>

#include "heapledger/sites.h"

namespace heapledger::report {

// The folder that the application's files have in common, with its last slash; empty when they have none.
std::string common_folder(const std::vector<const analysis::CodeStack*>& stacks);

// The innermost place of the application and who called it there; of a stack outside of it, its innermost places.
std::string code_line(const analysis::CodeStack& stack, const std::string& common);

}  // namespace heapledger::report
