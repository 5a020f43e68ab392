"""Versions that the service's own code names, and what its responses say of an endpoint's end.

Called for requests that say something of it alone. Every table here is bounded.
"""

from __future__ import annotations

from typing import Any

from heapledger import _engine, _health
from heapledger.adapters import routes

_NAMED_KEPT = 4096
_LONGEST_NOTICE = 100

# By request, until its row is written: its number, as tokens are used again, and the version.
named: dict[_engine.Request, tuple[int, str]] = {}
_noticed: set[int] = set()


def name(request: _engine.Request, version: str) -> None:
    """This request is filed under `version` when its response is out."""
    if len(named) >= _NAMED_KEPT:
        for other, (sequence, _) in list(named.items()):
            if other.sequence != sequence:
                del named[other]
        if len(named) >= _NAMED_KEPT:
            _health.count("versions_dropped")
            return
    filed = routes.version_of(version)
    if filed:
        named[request] = request.sequence, filed


def rename(request: _engine.Request, key: routes.Key) -> None:
    """The request is about to end under this key: file it under the version that was named."""
    entry = named.pop(request, None)
    if entry is None or entry[0] != request.sequence or routes.ids.get(key) == routes.IGNORED:
        return
    method, template, _, deprecated = key
    request.endpoint = routes.find_asked((method, template, "", deprecated), entry[1])


def notice(request: _engine.Request, response: Any) -> None:
    """Keep the headers Deprecation and Sunset of the endpoint's first response that has them."""
    endpoint = request.endpoint
    if endpoint in _noticed or endpoint == 0:
        return
    found = {"deprecation": "", "sunset": ""}
    for header, value in _headers_of(response):
        key = _text(header).lower()
        if key in found:
            found[key] = _text(value)[:_LONGEST_NOTICE]
    if any(found.values()):
        _noticed.add(endpoint)
        if not _engine.note_end_of_life(endpoint, found["deprecation"], found["sunset"]):
            _health.count("notices_dropped")


def _headers_of(response: Any) -> Any:
    if isinstance(response, tuple):  # WSGI: status, headers
        return response[1]
    if isinstance(response, dict):  # ASGI: the start message
        return response.get("headers", ())
    return getattr(response, "headers", ())  # gunicorn's


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
