"""Carry the current request to threads: pools and threads do not inherit the context by themselves.

Only our token is carried, never the context. A pool's worker thread outlives the request in which it happens to be
started, so it starts with no request and each job brings its own. `asyncio.to_thread`, anyio and `sync_to_async`
carry the whole context and need nothing of this; `loop.run_in_executor` goes through `submit`.
"""

from __future__ import annotations

from heapledger import _engine, _health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_current = _engine.current
_run_with = _engine.run_with

_REQUEST = "_heapledger_request"
# Where the threads of pools are defined, or their target functions.
_POOL_MODULES = ("concurrent.futures.", "anyio.", "multiprocessing.", "asgiref.", "waitress.", "cheroot.", "a2wsgi.")


def install_executor(module: Any) -> None:
    """concurrent.futures.thread."""
    owner = module.ThreadPoolExecutor
    original = owner.submit
    if hasattr(original, "__heapledger__"):
        return
    prepare = getattr(owner, "prepare_context", None)

    def submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        request = _current()
        # An executor of interpreters pickles its jobs: a request is of this interpreter only.
        if request is None or _function(getattr(type(self), "prepare_context", None)) is not _function(prepare):
            return original(self, fn, *args, **kwargs)
        return original(self, _run_with, request, fn, *args, **kwargs)

    owner.submit = _dressed(submit, original)


def install_threads(module: Any) -> None:
    """The threading module."""
    owner = module.Thread
    start, bootstrap = owner.start, owner._bootstrap
    if hasattr(start, "__heapledger__"):
        return

    def carrying_start(self: Any) -> Any:
        request = _current()
        if request is None:
            return start(self)
        if _of_a_pool(self):
            return _run_with(None, start, self)
        try:
            setattr(self, _REQUEST, request)
        except Exception:
            _health.count("thread_not_carried")
        return start(self)

    def carried_bootstrap(self: Any) -> Any:
        request = vars(self).pop(_REQUEST, None)
        if request is None:
            return bootstrap(self)
        return _run_with(request, bootstrap, self)

    owner.start = _dressed(carrying_start, start)
    owner._bootstrap = _dressed(carried_bootstrap, bootstrap)


def _of_a_pool(thread: Any) -> bool:
    try:
        target = getattr(thread, "_target", None)
        return f"{getattr(target, '__module__', '')}.".startswith(_POOL_MODULES) or (
            f"{type(thread).__module__}.".startswith(_POOL_MODULES)
        )
    except Exception:
        return False


def _function(method: Any) -> Any:
    return getattr(method, "__func__", method)


def _dressed(replacement: Any, original: Any) -> Any:
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        value = getattr(original, name, None)
        if value is not None:
            setattr(replacement, name, value)
    replacement.__wrapped__ = original
    replacement.__heapledger__ = True
    return replacement
