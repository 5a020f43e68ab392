// heapledger._recorder: the collector as a thread of this process. It links the recording room and none inside the
// service: it reads this process's ledger as any other reader does.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <memory>
#include <stdexcept>

#include "recording/live_recorder.h"

namespace nb = nanobind;

namespace {

using heapledger::recording::LiveRecorder;

// Leaked on purpose: a destructor at interpreter exit would run after the thread's world is gone.
LiveRecorder*& instance() {
  static LiveRecorder* recorder = nullptr;
  return recorder;
}

void start(const std::string& run_dir, const std::string& recording_path) {
  if (instance() != nullptr) throw std::runtime_error("the recorder runs already");
  try {
    instance() = new LiveRecorder(run_dir, recording_path);
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    throw nb::python_error();
  }
}

std::string flush() { return instance() == nullptr ? std::string{} : instance()->flush(); }

void stop() {
  if (instance() != nullptr) instance()->stop();
}

}  // namespace

NB_MODULE(_recorder, module) {
  module.doc() = "The collector as a native thread of this process.";
  module.def("start", &start, nb::arg("run_dir"), nb::arg("recording_path"));
  module.def("flush", &flush, nb::call_guard<nb::gil_scoped_release>());
  module.def("stop", &stop, nb::call_guard<nb::gil_scoped_release>());
}
