"""Flask: the rule that matched, known before the first of the service's functions runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger.adapters import wsgi
from heapledger.adapters._exchange import note_flask
from heapledger.adapters._patching import wrap


def install(module: Any) -> None:
    """flask.app, when it was imported."""
    wrap(module.Flask, "__call__", wsgi.entering)


def install_context(module: Any) -> None:
    """flask.ctx: the request's context matches the URL; its class changed its name in later releases."""
    for name in ("RequestContext", "AppContext"):
        owner = vars(module).get(name)
        if owner is not None and "match_request" in vars(owner):
            wrap(owner, "match_request", _name_rule)


def _name_rule(original: Callable[..., None]) -> Callable[..., None]:
    def match_request(self: Any) -> None:
        original(self)
        note_flask(self)

    return match_request
