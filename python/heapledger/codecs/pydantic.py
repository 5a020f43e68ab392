"""pydantic 2: validation is deserializing, dumping is serializing. Version 1 has other names and stays as it is."""

from __future__ import annotations

from typing import Any

from heapledger.codecs._marking import DESERIALIZE, SERIALIZE, mark


def install_main(module: Any) -> None:
    """pydantic.main."""
    if "model_validate" in vars(module.BaseModel):
        mark(module.BaseModel, DESERIALIZE, "model_validate", "model_validate_json", "model_validate_strings")
        mark(module.BaseModel, SERIALIZE, "model_dump", "model_dump_json")


def install_type_adapter(module: Any) -> None:
    """pydantic.type_adapter, which FastAPI validates with."""
    mark(module.TypeAdapter, DESERIALIZE, "validate_python", "validate_json", "validate_strings")
    mark(module.TypeAdapter, SERIALIZE, "dump_python", "dump_json")
