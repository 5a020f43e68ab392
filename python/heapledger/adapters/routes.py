"""Endpoints: what a request is filed under, found once and remembered. Every table here is bounded.

A key is (method, template, asked version, deprecated); its parts come from `method_of`, `version_of` and the
framework's router, so that nobody outside can grow a table by sending odd methods, versions or paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from heapledger import _engine, _health

UNMATCHED = _engine.UNMATCHED
APP = "<app>"
IGNORED = 1 << 40  # in the place of an id

Key = tuple[str, str, str, bool]

_METHODS_KEPT = 32
VERSIONS_KEPT = 32
_TYPES_KEPT = 128
_KEYS_KEPT = 4096
LONGEST = {"method": 16, "version": 32, "type": 100}
TOKEN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")

ids: dict[Key, int] = {}
methods: dict[str, str] = {
    m: m for m in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT")
}
ignored: set[str] = set()  # templates; `*` stands for any characters, as in `heapledger requests --route`
_versions: dict[str, str] = {}
types: dict[str | bytes, str] = {}


def method_of(raw: str) -> str:
    """The method as it is filed: itself, or OTHER once 32 unusual ones are known."""
    if not 0 < len(raw) <= LONGEST["method"] or not TOKEN.issuperset(raw):
        return "OTHER"
    if len(methods) >= 9 + _METHODS_KEPT:
        _health.count("methods_folded")
        return "OTHER"
    return methods.setdefault(raw, raw)


def content_type(raw: str | bytes) -> str:
    """Only type/subtype of a content type header, lower case; "" for what is none."""
    known = types.get(raw)
    if known is not None:
        return known
    text = raw.decode("latin-1") if isinstance(raw, bytes) else raw
    name = text.partition(";")[0].strip().lower()
    if len(name) > LONGEST["type"] or name.count("/") != 1 or not name.isascii() or not name.isprintable():
        return ""
    if len(types) >= 2 * _TYPES_KEPT or (name not in types.values() and len(set(types.values())) >= _TYPES_KEPT):
        _health.count("content_types_dropped")
        return name if name in types.values() else ""
    types[raw] = name
    return name


def with_letter(version: str) -> str:
    """A number is filed with a v in front."""
    return "v" + version if version.replace(".", "").isdigit() else version


def version_of(raw: str) -> str:
    """A version that a client asked for, as it is filed: "2" is "v2"; "" for what is none or one too many."""
    known = _versions.get(raw)
    if known is not None:
        return known
    text = raw.strip()
    if not 0 < len(text) <= LONGEST["version"] or not TOKEN.issuperset(text):
        return ""
    name = with_letter(text)
    if len(_versions) >= VERSIONS_KEPT:
        _health.count("versions_dropped")
        return ""
    _versions[raw] = name
    return name


plain: set[str | bytes | None] = {None, ""}  # media types that name no version, as they came
_PLAIN_KEPT = 256


def version_in_media_type(raw: str | bytes) -> str:
    """The version that a media type names, or "": only what is not in `plain` has to come here."""
    text = raw.decode("latin-1") if isinstance(raw, bytes) else raw
    version = _version_in_media_type(text) if "vnd." in text or "version=" in text else ""
    if not version and len(plain) < _PLAIN_KEPT:
        plain.add(raw)
    return version


def _version_in_media_type(raw: str) -> str:
    """The version in `application/vnd.x.v2+json` or `application/json; version=2`, or ""."""
    for media_type in raw.lower().split(","):
        name, *parameters = media_type.split(";")
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "version":
                return version_of(value.strip().strip('"'))
        subtype = name.partition("/")[2].strip()
        if subtype.startswith("vnd."):
            for piece in subtype.partition("+")[0].split("."):
                if _is_version(piece):
                    return version_of(piece)
    return ""


def asked_of_environ(environ: dict[str, Any]) -> str:
    """The API version that a WSGI request's headers name, or ""."""
    for name in ("HTTP_ACCEPT_VERSION", "HTTP_X_API_VERSION", "HTTP_API_VERSION"):
        if raw := environ.get(name):
            return version_of(raw)
    return _version_in_types(environ.get("HTTP_ACCEPT"), environ.get("CONTENT_TYPE"))


def asked_of_headers(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The API version that an ASGI request's headers name, or ""."""
    names = {bytes(name).lower(): value for name, value in headers}
    for name in (b"accept-version", b"x-api-version", b"api-version"):
        if raw := names.get(name):
            return version_of(raw.decode("latin-1"))
    return _version_in_types(names.get(b"accept"), names.get(b"content-type"))


def _version_in_types(*raw_types: str | bytes | None) -> str:
    for raw in raw_types:
        if raw and raw not in plain and (version := version_in_media_type(raw)):
            return version
    return ""


def version_in_path(template: str) -> str:
    """The version that one of the first segments of a template names (/v1, /api/v2), or ""."""
    for piece in template.split("/")[1:4]:
        if _is_version(piece):
            return piece.lower()
    return ""


def _is_version(piece: str) -> bool:
    return piece[:1] in ("v", "V") and piece[1:].replace(".", "").replace("_", "").isdigit() and len(piece) <= 12


def is_ignored(template: str) -> bool:
    """Whether requests of this template are left alone. Asked once a template, not once a request."""
    return template in ignored or any(_matches(pattern, template) for pattern in ignored if "*" in pattern)


def _matches(pattern: str, template: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), template, re.DOTALL) is not None


def find(key: Key, asked: str) -> int:
    """The id for a template that `ids` does not have; from now on it does.

    Templates with a version of their own are kept with their id. The others are kept with the negative id of their
    requests that ask for no version, so that the headers of the next ones are looked at.
    """
    _, template, _, _ = key
    if is_ignored(template):
        return _remember(key, IGNORED)
    own = version_in_path(template)
    endpoint = _intern(key, own)
    _remember(key, endpoint if own else -endpoint)
    return find_asked(key, asked) if asked and not own else endpoint


def find_asked(key: Key, asked: str) -> int:
    """The id for a template without a version of its own, asked for in this version."""
    method, template, _, deprecated = key
    full = (method, template, asked, deprecated)
    return (ids.get(full) if asked else abs(ids.get(full, 0))) or _remember(full, _intern(key, asked))


def _intern(key: Key, version: str) -> int:
    method, template, _, deprecated = key
    return _engine.intern_endpoint(method, template, version, deprecated)


def _remember(key: Key, endpoint: int) -> int:
    if len(ids) < _KEYS_KEPT:
        ids[key] = endpoint
    else:
        _health.count("endpoints_not_remembered")
    return endpoint
