"""Versions that the service's own code names, and what its responses say of an endpoint's end.

Called for requests that say something of it alone. Every table here is bounded.
"""

from __future__ import annotations

from typing import Any

from heapledger import _engine, _health
from heapledger.adapters import routes

_NAMED_KEPT = 4096
_LONGEST_NOTICE = 100
_OTHER = "<other>"  # in the place of versions beyond the first 32
_ALTERED = "<version altered>"  # the mark that counts them: `heapledger versions` shows it as a note

# By request, until its row is written: its number, as tokens are used again, and the version.
named: dict[_engine.Request, tuple[int, str]] = {}
_noticed: set[int] = set()
# What the service names is kept apart from what clients ask for: they could fill one table between them.
_kept: set[str] = set()


def name(request: _engine.Request, version: str) -> None:
    """This request is filed under `version` when its response is out; the last one counts, an empty one is none."""
    named.pop(request, None)
    filed = _filed_as(version)
    if not filed:
        return
    if len(named) >= _NAMED_KEPT:
        for other, (sequence, _) in list(named.items()):
            if other.sequence != sequence:
                del named[other]
        if len(named) >= _NAMED_KEPT:
            _health.count("versions_dropped")
            return
    named[request] = request.sequence, filed


def name_work(request: _engine.Request, method: str, name: str) -> None:
    """A piece of work of its own is about to end: file it under the version that was named in it."""
    entry = named.pop(request, None)
    if entry is not None and entry[0] == request.sequence:
        request.endpoint = _engine.intern_endpoint(method, name, entry[1], False)


def _filed_as(version: str) -> str:
    """The version as it is filed; what has to be altered for that is counted."""
    if version in _kept:
        return version
    text = version.strip()
    name = "".join(c if c in routes.TOKEN else "_" for c in text[: routes.LONGEST["version"]])
    filed = routes.with_letter(name)
    if filed and filed not in _kept:
        if len(_kept) < routes.VERSIONS_KEPT:
            _kept.add(filed)
        else:
            filed = _OTHER
    if name != text or filed == _OTHER:
        _count_altered()
    return filed


def _count_altered() -> None:
    span = _engine.enter_compat()
    if span is None or not _engine.leave_compat(span, _ALTERED):
        _health.count("versions_altered")


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
