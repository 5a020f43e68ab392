// An extension module for tests: src/cpython/stack_walk.h as Python sees it, called from Python, without the GIL, and
// at every allocation.
#include "cpython/stack_walk.h"

#include <cstring>

namespace heapledger::cpython {
namespace {

constexpr std::size_t kDeep = 4096;

struct Walk {
  PythonFrame frames[kDeep];
  std::size_t count;
  bool truncated;
};
Walk g_walk;

PyObject* described(const PythonFrame& frame) {
  FrameText text;
  text_of(frame, text);
  return Py_BuildValue("(s#s#IKi)", text.function, static_cast<Py_ssize_t>(text.function_bytes), text.file,
                       static_cast<Py_ssize_t>(text.file_bytes), text.line,
                       static_cast<unsigned long long>(place_of(frame)), frame.instruction);
}

PyObject* described(const Walk& walk) {
  static std::uint64_t places[kDeep];
  places_of(walk.frames, walk.count, places);
  PyObject* list = PyList_New(0);
  for (std::size_t i = 0; i < walk.count; ++i) {
    if (places[i] != place_of(walk.frames[i])) Py_CLEAR(list);
  }
  if (list == nullptr) return PyErr_Format(PyExc_AssertionError, "places_of and place_of differ");
  for (std::size_t i = 0; list != nullptr && i < walk.count; ++i) {
    PyObject* frame = described(walk.frames[i]);
    if (frame == nullptr || PyList_Append(list, frame) != 0) Py_CLEAR(list);
    Py_XDECREF(frame);
  }
  return list == nullptr ? nullptr : Py_BuildValue("(NO)", list, walk.truncated ? Py_True : Py_False);
}

std::size_t most_from(PyObject* arguments) {
  Py_ssize_t most = kDeep;
  if (PyArg_ParseTuple(arguments, "|n", &most) == 0 || most < 0) PyErr_Clear();
  return static_cast<std::size_t>(most) < kDeep ? static_cast<std::size_t>(most) : kDeep;
}

PyObject* probe_walk(PyObject*, PyObject* arguments) {
  const std::size_t most = most_from(arguments);
  g_walk.count = walk_stack(PyThreadState_Get(), g_walk.frames, most, g_walk.truncated);
  return described(g_walk);
}

PyObject* probe_walk_detached(PyObject*, PyObject* arguments) {
  static thread_local Walk mine;
  const std::size_t most = most_from(arguments);
  PyThreadState* state = PyThreadState_Get();
  Py_BEGIN_ALLOW_THREADS;
  mine.count = walk_stack(state, mine.frames, most, mine.truncated);
  Py_END_ALLOW_THREADS;
  return described(mine);
}

// Walks with a number for each frame, for the benchmark: nothing else in the loop.
PyObject* probe_repeat(PyObject*, PyObject* arguments) {
  Py_ssize_t times = 0, most = 0;
  if (PyArg_ParseTuple(arguments, "nn", &times, &most) == 0) return nullptr;
  std::uint64_t sum = 0;
  for (Py_ssize_t i = 0; i < times; ++i) {
    PythonFrame frames[64];
    bool truncated = false;
    const std::size_t count = walk_stack(PyThreadState_Get(), frames, static_cast<std::size_t>(most), truncated);
    std::uint64_t places[64];
    places_of(frames, count, places);
    for (std::size_t f = 0; f < count; ++f) sum += places[f];
  }
  return PyLong_FromUnsignedLongLong(sum);
}

// ---- at every allocation

struct Watched {
  unsigned long long allocations, frames, empty, strange_roots, without_line, bytes;
};
Watched g_watched;
bool g_watching;
PyMemAllocatorEx g_inner[3];

bool is_root(const FrameText& text) {
  constexpr const char* kRoots[] = {"<module>", "Thread._bootstrap", "_bootstrap"};
  for (const char* root : kRoots) {
    if (text.function_bytes == strlen(root) && memcmp(text.function, root, text.function_bytes) == 0) return true;
  }
  return false;
}

void look() noexcept {
  // RAW allocations may come without the GIL: those threads' states are others' business here.
  const PyThreadState* state = attached_thread_state();
  if (!g_watching || state == nullptr) return;
  PythonFrame frames[256];
  bool truncated = false;
  const std::size_t count = walk_stack(state, frames, 256, truncated);
  ++g_watched.allocations;
  g_watched.frames += count;
  if (count == 0) ++g_watched.empty;
  FrameText text;
  for (std::size_t i = 0; i < count; ++i) {
    text_of(frames[i], text);
    g_watched.bytes += (place_of(frames[i]) & 1) + text.function_bytes + text.file_bytes;
    if (text.line == 0) ++g_watched.without_line;
  }
  if (count != 0 && !truncated && !is_root(text)) ++g_watched.strange_roots;
}

PyMemAllocatorEx& inner(void* context) { return *static_cast<PyMemAllocatorEx*>(context); }
void* watched_malloc(void* context, size_t size) {
  look();
  return inner(context).malloc(inner(context).ctx, size);
}
void* watched_calloc(void* context, size_t count, size_t size) {
  look();
  return inner(context).calloc(inner(context).ctx, count, size);
}
void* watched_realloc(void* context, void* block, size_t size) {
  look();
  return inner(context).realloc(inner(context).ctx, block, size);
}
void watched_free(void* context, void* block) { inner(context).free(inner(context).ctx, block); }

PyObject* probe_watch(PyObject*, PyObject*) {
  constexpr PyMemAllocatorDomain kDomains[] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};
  for (std::size_t i = 0; i < 3; ++i) {
    PyMem_GetAllocator(kDomains[i], &g_inner[i]);
    PyMemAllocatorEx ours{&g_inner[i], watched_malloc, watched_calloc, watched_realloc, watched_free};
    PyMem_SetAllocator(kDomains[i], &ours);
  }
  g_watching = true;
  Py_RETURN_NONE;
}

PyObject* probe_watched(PyObject*, PyObject*) {
  g_watching = false;
  return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K}", "allocations", g_watched.allocations, "frames", g_watched.frames,
                       "empty", g_watched.empty, "strange_roots", g_watched.strange_roots, "without_line",
                       g_watched.without_line, "bytes", g_watched.bytes);
}

PyMethodDef g_methods[] = {
    {"walk", probe_walk, METH_VARARGS, "([(function, file, line, place, instruction)], truncated)"},
    {"walk_detached", probe_walk_detached, METH_VARARGS, "The same, without the GIL."},
    {"repeat", probe_repeat, METH_VARARGS, "Walk some times, some frames each."},
    {"watch", probe_watch, METH_NOARGS, "From now on, walk and read every frame at every allocation."},
    {"watched", probe_watched, METH_NOARGS, "Stop that; what was seen."},
    {nullptr, nullptr, 0, nullptr},
};
PyModuleDef g_module = {
    PyModuleDef_HEAD_INIT, "stack_probe", nullptr, -1, g_methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace heapledger::cpython

PyMODINIT_FUNC PyInit_stack_probe() { return PyModule_Create(&heapledger::cpython::g_module); }
