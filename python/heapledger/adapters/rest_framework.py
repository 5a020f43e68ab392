"""Django REST framework: the version that its versioning class determined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger import _engine, _health
from heapledger.adapters import versions
from heapledger.adapters._patching import wrap


def install(module: Any) -> None:
    """rest_framework.views."""
    wrap(module.APIView, "determine_version", _name_version)


def _name_version(original: Callable[..., Any]) -> Callable[..., Any]:
    def determine_version(self: Any, *args: Any, **kwargs: Any) -> Any:
        determined = original(self, *args, **kwargs)
        try:
            version, _ = determined
            request = _engine.current() if version else None
            if request is not None:
                versions.name(request, str(version))
        except Exception:
            _health.count("rest_framework_version_unread")
        return determined

    return determine_version
