"""Django REST framework: parsers, serializers (each object; the query behind a list is the handler's) and renderers."""

from __future__ import annotations

from typing import Any

from heapledger.codecs._marking import DESERIALIZE, DESERIALIZE_WHOLE, SERIALIZE, mark


def install_parsers(module: Any) -> None:
    """rest_framework.parsers."""
    for parser in (module.JSONParser, module.FormParser):
        mark(parser, DESERIALIZE_WHOLE, "parse")
    mark(module.MultiPartParser, DESERIALIZE, "parse")


def install_serializers(module: Any) -> None:
    """rest_framework.serializers."""
    mark(module.Serializer, DESERIALIZE, "to_internal_value")
    mark(module.Serializer, SERIALIZE, "to_representation")


def install_renderers(module: Any) -> None:
    """rest_framework.renderers."""
    mark(module.JSONRenderer, SERIALIZE, "render")
