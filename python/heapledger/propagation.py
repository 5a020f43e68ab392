"""Carry the current request to threads: pools and threads do not inherit the context by themselves.

Only our token is carried, never the context. A pool's worker thread outlives the request in which it happens to be
started, so it starts with no request and each job brings its own. `asyncio.to_thread`, anyio and `sync_to_async`
carry the whole context and need nothing of this; `loop.run_in_executor` goes through `submit`.
"""

from __future__ import annotations

import sys

from heapledger import _engine, _health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_current = _engine.current
_run_with = _engine.run_with

_REQUEST = "_heapledger_request"
# Whether a thread starts with a copy of its starter's context (an option of Python 3.14).
_INHERITED = bool(getattr(sys.flags, "thread_inherit_context", 0))
# Where the threads of pools are defined, or their target functions.
_POOL_MODULES = (
    "concurrent.futures.",
    "anyio.",
    "multiprocessing.",
    "asgiref.",
    "waitress.",
    "cheroot.",
    "a2wsgi.",
    "psycopg_pool.",
)


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
    start = owner.start
    if hasattr(start, "__heapledger__"):
        return
    hand_over = _hand_over_by_context if sys.version_info >= (3, 14) else _hand_over_by_attribute

    def carrying_start(self: Any) -> Any:
        request = _current()
        if request is None:
            return start(self)
        if _of_a_pool(self):
            return _run_with(None, start, self) if _INHERITED else start(self)
        try:
            hand_over(self, request)
        except Exception:
            _health.count("thread_not_carried")
        return start(self)

    owner.start = _dressed(carrying_start, start)
    if hand_over is _hand_over_by_attribute:
        _take_over_in_bootstrap(owner)


def _hand_over_by_attribute(thread: Any, request: Any) -> None:
    setattr(thread, _REQUEST, request)


def _take_over_in_bootstrap(owner: Any) -> None:
    bootstrap = owner._bootstrap

    def carried_bootstrap(self: Any) -> Any:
        request = vars(self).pop(_REQUEST, None)
        if request is None:
            return bootstrap(self)
        return _run_with(request, bootstrap, self)

    owner._bootstrap = _dressed(carried_bootstrap, bootstrap)


class _CarryingContext:
    """Stands for the context in which a thread of Python 3.14 calls `run`: the same one, with the request in it."""

    __slots__ = ("run",)

    def __init__(self, run: Callable[..., Any]) -> None:
        self.run = run


def _hand_over_by_context(thread: Any, request: Any) -> None:
    from contextvars import Context, copy_context
    from functools import partial

    context = thread._context
    if context is None:
        context = copy_context() if _INHERITED else Context()
    thread._context = _CarryingContext(partial(context.run, _run_with, request))


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
