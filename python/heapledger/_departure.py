"""Close the books before a process ends itself by a signal: no `atexit` callback runs then.

uvicorn does so: it shuts down in order, then raises the signal that it had caught, for whoever waits for it.
"""

from __future__ import annotations

from heapledger import _engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HARMLESS = ("SIGCHLD", "SIGURG", "SIGWINCH", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU")


def install(module: Any) -> None:
    """The signal module."""
    original = module.raise_signal
    if hasattr(original, "__heapledger__"):
        return
    harmless = {getattr(module, name) for name in _HARMLESS if hasattr(module, name)}

    def raise_signal(signalnum: int, /) -> None:
        try:
            if module.getsignal(signalnum) is module.SIG_DFL and signalnum not in harmless:
                _engine.freeze()
        except Exception:
            pass
        original(signalnum)

    raise_signal.__heapledger__ = True  # type: ignore[attr-defined]
    raise_signal.__wrapped__ = original  # type: ignore[attr-defined]
    raise_signal.__doc__ = original.__doc__
    module.raise_signal = raise_signal
