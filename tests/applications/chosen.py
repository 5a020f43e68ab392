"""The kinds of endpoints that a keeping service has: the module that KEEPING names, or those that leak, too."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable

KINDS: dict[str, Callable[[], object]]
KINDS = importlib.import_module(os.environ.get("KEEPING", "applications.keepers")).KINDS
