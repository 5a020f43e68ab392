// Part of heapledger._analysis: what `heapledger limits` answers. Called once, when the module is made.
#pragma once

namespace nanobind {
class module_;
}

namespace heapledger::cpython {

void bind_limits(nanobind::module_& module);

}  // namespace heapledger::cpython
