"""The adapters on a double of the engine, put in place for one test and taken away after it."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fake_engine

PATCHED_BY_PROPAGATION = (
    ("threading", "Thread", "start"),
    ("threading", "Thread", "_bootstrap"),
    ("concurrent.futures.thread", "ThreadPoolExecutor", "submit"),
)


@contextmanager
def on_fake_engine(*frameworks: str) -> Iterator[fake_engine.Engine]:
    """The adapters installed for these modules (imported first), on a fresh double; everything is undone at the end."""
    for name in frameworks:
        importlib.import_module(name)
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "heapledger"}
    engine = fake_engine.Engine()
    module: Any = types.ModuleType("heapledger._engine")
    for name in dir(engine):
        if not name.startswith("_"):
            setattr(module, name, getattr(engine, name))
    for name in ("UNMATCHED", "APPROXIMATE", "RAISED", "STREAMED_IN", "STREAMED_OUT", "DISCONNECTED", "READ",
                 "READ_WHOLE", "DESERIALIZE", "DESERIALIZE_WHOLE", "HANDLE", "SERIALIZE", "Request",
                 "mark"):  # fmt: skip
        setattr(module, name, getattr(fake_engine, name))
    sys.modules["heapledger._engine"] = module
    try:
        importlib.import_module("heapledger._autoload_main").install_hooks()
        yield engine
    finally:
        _restore()
        for name in [name for name in sys.modules if name.split(".")[0] == "heapledger"]:
            del sys.modules[name]
        sys.modules.update(ours)


def _restore() -> None:
    patching = sys.modules.get("heapledger.adapters._patching")
    for owner, name, original in reversed(getattr(patching, "replaced", [])):
        setattr(owner, name, original)
    for module, owner_name, name in PATCHED_BY_PROPAGATION:
        if module in sys.modules:
            owner = getattr(sys.modules[module], owner_name)
            if hasattr(getattr(owner, name), "__heapledger__"):
                setattr(owner, name, getattr(owner, name).__wrapped__)
