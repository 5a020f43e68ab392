"""Flask: the rule that matched, known before the first of the service's functions runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from heapledger import _health
from heapledger.adapters import wsgi
from heapledger.adapters._exchange import KEY, Exchange
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


def _enter(original: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    def call(self: Any, environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Iterable[bytes]:
        outer: Exchange | None = environ.get(KEY)
        if outer is None:
            return wsgi.respond(original.__get__(self), environ, start_response, True)
        outer.unroute()
        return original(self, environ, start_response)

    return call


def _name_rule(original: Callable[..., None]) -> Callable[..., None]:
    def match_request(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        try:
            request = self.request
            exchange: Exchange | None = request.environ.get(KEY)
            if exchange is not None:
                exchange.known = True
                rule = request.url_rule or _rule_of_other_method(self, request)
                if rule is not None:
                    exchange.route((exchange.prefix or request.environ.get("SCRIPT_NAME", "")) + rule.rule)
        except Exception:
            _health.count("flask_rule_unread")

    return match_request


def _rule_of_other_method(context: Any, request: Any) -> Any:
    """The rule behind a 405, or None."""
    error = request.routing_exception
    allowed = getattr(error, "valid_methods", None) if getattr(error, "code", 0) == 405 else None
    if not allowed:
        return None
    rule, _ = context.url_adapter.match(method=next(iter(allowed)), return_rule=True)
    return rule
