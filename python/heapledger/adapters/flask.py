"""Flask: the rule that matched, known before the first of the service's functions runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger.adapters import _body_limits
from heapledger.adapters._exchange import enter_wsgi, note_flask
from heapledger.adapters._patching import wrap


def install(module: Any) -> None:
    """flask.app, when it was imported."""
    wrap(module.Flask, "__call__", _enter)


def install_context(module: Any) -> None:
    """flask.ctx: the request's context matches the URL; its class changed its name in later releases."""
    for name in ("RequestContext", "AppContext"):
        owner = vars(module).get(name)
        if owner is not None and "match_request" in vars(owner):
            wrap(owner, "match_request", _name_rule)


def _enter(original: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, environ: Any, start_response: Any) -> Any:
        if not getattr(self, "_got_first_request", True):
            _body_limits.note("Flask MAX_CONTENT_LENGTH", lambda: self.config["MAX_CONTENT_LENGTH"])
        return enter_wsgi(True, original, self, environ, start_response)

    return call


def _name_rule(original: Callable[..., None]) -> Callable[..., None]:
    def match_request(self: Any) -> None:
        original(self)
        note_flask(self)

    return match_request
