"""Flask's JSON responses: from object to encoded bytes in one call. `loads` and `dumps` are json's, or orjson's."""

from __future__ import annotations

from typing import Any

from heapledger.codecs._marking import SERIALIZE, mark


def install(module: Any) -> None:
    """flask.json.provider."""
    mark(module.JSONProvider, SERIALIZE, "response")
    mark(module.DefaultJSONProvider, SERIALIZE, "response")
