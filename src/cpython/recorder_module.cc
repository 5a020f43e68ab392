// heapledger._recorder: the collector as a thread of this process. It links the recording room and none inside the
// service: it reads this process's ledger as any other reader does.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include "recording/live_recorder.h"

namespace nb = nanobind;

namespace {

using heapledger::recording::LiveRecorder;

// Leaked on purpose: a destructor at interpreter exit would run after the thread's world is gone.
LiveRecorder*& instance() {
  static LiveRecorder* recorder = nullptr;
  return recorder;
}

std::string start(const std::string& output, const std::string& run_dir) {
  if (instance() != nullptr) throw std::runtime_error("the recorder runs already");
  heapledger::recording::RunOptions options;
  options.output = output;
  options.run_dir = run_dir;
  options.rotate = true;
  options.beside_others = true;
  options.absolute_path = true;
  options.command = "heapledger.start()";
  std::string failure;
  {
    const nb::gil_scoped_release released;
    try {
      instance() = new LiveRecorder(options);
    } catch (const std::exception& error) {
      failure = error.what();
    }
  }
  if (instance() != nullptr) return instance()->folder();
  PyErr_SetString(PyExc_OSError, failure.c_str());
  throw nb::python_error();
}

std::string flush() { return instance() == nullptr ? std::string{} : instance()->flush(); }

void stop() {
  if (instance() != nullptr) instance()->stop();
}

void abandon() {
  LiveRecorder* recorder = std::exchange(instance(), nullptr);
  if (recorder != nullptr) recorder->abandon();
}

}  // namespace

NB_MODULE(_recorder, module) {
  module.doc() = "The collector as a native thread of this process.";
  module.def("start", &start, nb::arg("output"), nb::arg("run_dir"));
  module.def("flush", &flush, nb::call_guard<nb::gil_scoped_release>());
  module.def("stop", &stop, nb::call_guard<nb::gil_scoped_release>());
  module.def("abandon", &abandon, nb::call_guard<nb::gil_scoped_release>());
}
