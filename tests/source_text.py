"""C++ source as text: enough of a reader to check layers, banned words and lengths without a compiler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

NOISE = re.compile(
    r"""//[^\n]*                                   # comment to the end of the line
      | /\*.*?\*/                                  # comment in between
      | R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"   # raw string
      | "(?:[^"\\\n]|\\.)*"                        # string
      | (?<![0-9a-zA-Z_])'(?:[^'\\\n]|\\.)+'       # character, but not 1'000
    """,
    re.DOTALL | re.VERBOSE,
)
TYPE = re.compile(r"(?:template\s*<.*>\s*)?(?:inline\s+)?(?:namespace|class|struct|union|enum)\b", re.DOTALL)


def code_of(text: str) -> str:
    """The text with comments and the insides of literals blanked; lines stay where they were."""

    def blank(match: re.Match[str]) -> str:
        return '""' + "\n" * match[0].count("\n") if match[0][0] in "\"'R" else "\n" * match[0].count("\n")

    return NOISE.sub(blank, text)


def includes_of(path: Path) -> list[str]:
    """What `#include "..."` lines name."""
    return re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.MULTILINE)


def function_lengths(code: str) -> Iterator[tuple[int, int, str]]:
    """(first line, number of lines, head) of each function body that lies in a namespace or a class."""
    code = re.sub(r"^\s*#(?:[^\n\\]|\\.|\\\n)*", "", code, flags=re.MULTILINE)
    stack: list[tuple[str, int, str]] = []
    head_start = 0
    for position, character in enumerate(code):
        if character == "{":
            head = code[head_start:position].strip()
            line = code.count("\n", 0, position) - head.count("\n") + 1
            stack.append((kind_of(head, stack), line, " ".join(head.split())[:80]))
            head_start = position + 1
        elif character == "}" and stack:
            kind, line, head = stack.pop()
            if kind == "function":
                yield line, code.count("\n", 0, position) + 2 - line, head
            head_start = position + 1
        elif character == ";":
            head_start = position + 1


def kind_of(head: str, stack: list[tuple[str, int, str]]) -> str:
    if any(kind == "function" for kind, _, _ in stack):
        return "inside"
    if TYPE.match(head) or ")" not in head or head.endswith("="):
        return "scope"
    return "function"
