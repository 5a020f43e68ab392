# mypy: ignore-errors
# Found on PYTHONPATH by every Python below `heapledger run`, whichever its version: nothing here may be syntax that
# Python 2.7 does not know, may print, or may raise anything but what the service's own sitecustomize raises.
import os
import sys


def _variables_taken():
    """HEAPLEDGER_* out of the environment, so that no child sees them unless it is a Python that takes part."""
    taken = {}
    for name in list(os.environ):
        if name.startswith("HEAPLEDGER_"):
            taken[name] = os.environ.pop(name)
    return taken


def _preload_removed(preload):
    """LD_PRELOAD as it was: what is loaded here stays, a child that takes no part goes without."""
    theirs = os.environ.get("LD_PRELOAD", "")
    if preload and theirs.startswith(preload):
        theirs = theirs[len(preload) :].lstrip(": ")
        if theirs:
            os.environ["LD_PRELOAD"] = theirs
        else:
            del os.environ["LD_PRELOAD"]


def _entry_removed(folder):
    """PYTHONPATH and sys.path as they were before `heapledger run` put its folder in front."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if folder in entries:
        entries.remove(folder)
        if entries:
            os.environ["PYTHONPATH"] = os.pathsep.join(entries)
        else:
            del os.environ["PYTHONPATH"]
    while folder in sys.path:
        sys.path.remove(folder)
    sys.path_importer_cache.pop(folder, None)


def _unsupported():
    if getattr(getattr(sys, "implementation", None), "name", "cpython") != "cpython" or "PyPy" in sys.version:
        return "only CPython is supported"
    if not (3, 10) <= sys.version_info[:2] <= (3, 15):
        return "Python %d.%d is not supported: heapledger needs 3.10 to 3.15" % sys.version_info[:2]
    if "t" in getattr(sys, "abiflags", ""):
        return "free-threaded builds of Python are not supported yet"
    return ""


def _quoted(text):
    """A JSON string, without importing json for it."""
    out = ['"']
    for char in text:
        code = ord(char)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= code < 127:
            out.append(char)
        elif code < 0x10000:
            out.append("\\u%04x" % code)
        else:
            out.append("?")
    out.append('"')
    return "".join(out)


def _leave_refusal(run_dir, reason):
    """Tell `heapledger run` that this Python took no part, and why."""
    line = '{"executable": %s, "python": %s, "reason": %s}\n' % (
        _quoted(sys.executable or ""),
        _quoted("%d.%d.%d" % sys.version_info[:3]),
        _quoted(" ".join(reason.split())[:300]),
    )
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(os.path.join(run_dir, "%d.refused" % os.getpid()), flags, 0o600)
    try:
        os.write(descriptor, line.encode("ascii"))
    finally:
        os.close(descriptor)


def _start(variables, folder):
    reason = _unsupported()
    if not reason:
        try:
            import heapledger_children

            heapledger_children.install(folder, variables)
        finally:
            _entry_removed(folder)
        try:
            from heapledger import _autoload_main
        except ImportError:
            missing = sys.exc_info()[1]
            reason = "cannot import heapledger: %s" % (missing,)
        else:
            reason = _autoload_main.start_from_environment(variables)
    return reason


def _run():
    folder = os.path.dirname(os.path.abspath(__file__))
    variables = _variables_taken()
    run_dir = variables.get("HEAPLEDGER_RUN_DIR")
    try:
        _preload_removed(variables.get("HEAPLEDGER_PRELOAD"))
        if not run_dir or variables.get("HEAPLEDGER_DISABLE") == "1":
            return
        try:
            reason = _start(variables, folder)
        except Exception:
            kind, error = sys.exc_info()[:2]
            reason = "%s: %s" % (kind.__name__, error)
        if reason:
            _leave_refusal(run_dir, reason)
    except Exception:
        pass
    finally:
        _entry_removed(folder)


_run()

# What the service would have found without us: its own sitecustomize, or none.
sys.modules.pop("sitecustomize", None)
import sitecustomize  # noqa: E402, F401
