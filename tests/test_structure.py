"""The architecture stays true: who includes whom, what is called where, what is exported, how long things get."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import heapledger
import pytest
from source_text import code_of, function_lengths, includes_of

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "unit"
CLI = ROOT / ".venv" / "bin" / "heapledger"
PACKAGE = Path(heapledger.__file__).parent

# DESIGN: a room may include itself and these. The two worlds meet at the ledger's layout and its reader.
BELOW = {
    "base": set(),
    "ledger": {"base"},
    "engine": {"base", "ledger"},
    "hooks": set(),
    "cpython": {"base", "ledger", "engine", "hooks"},
    "recording": {"base", "ledger"},
    "analysis": {"base", "recording"},
    "report": {"base", "recording", "analysis"},
    "cli": {"base", "recording", "analysis", "report"},
}
INSIDE = {"base", "ledger", "engine", "hooks", "cpython"}
# Extension modules of their own, loaded by whoever analyses or records from Python: they bind what lies outside.
BINDINGS = {
    "analysis_module.cc": {"analysis", "recording"},
    "segments_binding.cc": {"analysis"},
    "interference_binding.cc": {"analysis", "report"},
    "leaks_binding.cc": {"analysis", "report"},
    "lifecycle_binding.cc": {"analysis", "report"},
    "pools_binding.cc": {"analysis", "report"},
    "versions_binding.cc": {"analysis", "report"},
    "payloads_binding.cc": {"analysis", "report"},
    "limits_binding.cc": {"analysis", "report"},
    "result_repr.cc": {"analysis", "report"},
    "recorder_module.cc": {"recording"},
}
SEAM_HEADERS = {"heapledger/heapledger.h", "heapledger/heapledger.hpp"}
LEDGER_HEADERS_FOR_READERS = {"ledger/layout.h", "ledger/layout_body.h", "ledger/ledger_view.h"}

FILE_LINES = 400
STUB_LINES = 1000  # of an extension module: all that it offers, declarations alone
FUNCTION_LINES = 40
LONG_FUNCTIONS_ALLOWED: set[str] = set()

# What runs on a hooked path may not end the process, write to its streams, raise or use the ordinary heap.
BANNED_ON_HOOKED_PATHS = {
    r"\b(?:abort|exit|_exit|quick_exit|terminate)\s*\(": "ends the service",
    r"\b(?:f|d|v|vf)?printf\s*\(|\bputs\s*\(|\bperror\s*\(|\bstd::(?:cout|cerr|clog)\b": (
        "writes to the service's streams"
    ),
    r"\bthrow\b|\btry\s*\{|\bcatch\s*\(": "raises",
    r"(?<![\w.>:])(?:malloc|calloc|realloc|free|strdup)\s*\(": "uses the ordinary heap",
    r"\bnew\b(?!\s*\()|\bdelete\b(?!\s*[;,])": "uses the ordinary heap",
    r"\bstd::(?:string|vector|deque|list|map|set|unordered_\w+|function|make_unique|make_shared|ostringstream)\b": (
        "uses the ordinary heap"
    ),
    r"\bstd::(?:mutex|shared_mutex|recursive_mutex|condition_variable|lock_guard|unique_lock)\b": "blocks",
}
FRAMEWORKS = {"flask", "werkzeug", "fastapi", "starlette", "django", "gunicorn", "uvicorn", "hypercorn"}


def sources(*folders: str, suffixes: tuple[str, ...] = (".h", ".cc")) -> list[Path]:
    found = [p for folder in folders for p in sorted((ROOT / folder).rglob("*")) if p.suffix in suffixes]
    assert found, f"nothing found in {folders}"
    return found


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked_files() -> list[Path]:
    """Every file of the tree that is ours; without git (a source archive) whatever lies outside of build folders."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() if listed.returncode == 0 else []
    paths = [ROOT / name for name in names] or list(ROOT.rglob("*"))
    return [p for p in paths if p.is_file() and not {"build", ".venv", ".git"} & set(p.relative_to(ROOT).parts)]


def test_every_room_includes_only_itself_and_what_lies_below() -> None:
    wrong, seen = [], 0
    for path in sources("src"):
        room = path.relative_to(ROOT / "src").parts[0]
        for include in includes_of(path):
            seen += 1
            other = include.split("/")[0]
            allowed = BELOW[room] | {room} | (BINDINGS.get(path.name, set()) if room == "cpython" else set())
            if other == "heapledger":
                fine = include in SEAM_HEADERS or room not in INSIDE or "analysis" in allowed
            elif other in BELOW and "/" in include:
                fine = other in allowed
            else:
                fine = (path.parent / include).exists()
            if not fine:
                wrong.append(f"{name_of(path)} includes {include}")
    assert seen > 20
    assert not wrong


def test_outside_the_service_only_the_ledgers_layout_and_reader_are_known() -> None:
    wrong, seen = [], 0
    for path in sources("src/recording"):
        for include in includes_of(path):
            if include.startswith("ledger/"):
                seen += 1
                if include not in LEDGER_HEADERS_FOR_READERS:
                    wrong.append(f"{name_of(path)} includes {include}")
    assert seen > 0
    assert not wrong


def test_link_edges_are_the_same_table() -> None:
    wrong, seen = [], 0
    for path in sorted((ROOT / "src").glob("*/CMakeLists.txt")):
        room = path.parent.name
        code = re.sub(r"#[^\n]*", "", path.read_text())
        for target, arguments in re.findall(r"target_link_libraries\((\w+)([^)]*)\)", code):
            assert target.startswith("heapledger") or room == "cpython", f"{name_of(path)}: target {target}"
            for linked in re.findall(r"\bheapledger_(\w+)", arguments):
                other = linked.split("_")[0]
                if other in BELOW:
                    seen += 1
                    if other != room and other not in BELOW[room]:
                        wrong.append(f"{name_of(path)} links heapledger_{linked}")
    assert seen > 5
    assert not wrong


def test_python_h_is_included_in_cpython_alone() -> None:
    named = {
        path.relative_to(ROOT / "src").parts[0]
        for path in sources("src", "include")
        if re.search(r"#\s*include\s+[<\"](?:Python\.h|nanobind/|cpython/|internal/pycore)", path.read_text())
    }
    assert named == {"cpython"}


def symbols(room: str, *options: str) -> list[str]:
    libraries = sorted((BUILD / "src" / room).glob("lib*.a")) + sorted((BUILD / "src" / room).glob("lib*.so"))
    assert libraries, f"no library of {room} under {BUILD}: run `make unit` first"
    names = []
    for library in libraries:
        printed = subprocess.run(
            ["nm", "-C", *options, library], capture_output=True, text=True, check=True, timeout=60
        )
        names += [line.split(maxsplit=2) for line in printed.stdout.splitlines() if " " in line.strip()]
    return [parts[-1] for parts in names]


@pytest.mark.parametrize(
    ("room", "has_to_be_there"),
    [
        ("base", "heapledger::base::"),
        ("ledger", "heapledger::ledger::"),
        ("engine", "heapledger::engine::"),
        ("recording", "heapledger::recording::"),
        ("analysis", "heapledger::analysis::"),
        ("report", "heapledger::report::"),
    ],
)
def test_no_python_symbol_is_used_in(room: str, has_to_be_there: str) -> None:
    names = symbols(room)
    assert any(has_to_be_there in name for name in names)
    assert [name for name in names if re.match(r"_?Py[A-Z_]", name)] == []


def test_the_engine_exports_its_seam_and_nothing_else() -> None:
    libraries = sorted((BUILD / "src" / "engine").glob("libheapledger_engine.so"))
    assert libraries, "no libheapledger_engine.so: run `make unit` first"
    printed = subprocess.run(
        ["nm", "-DC", "--defined-only", libraries[0]], capture_output=True, text=True, check=True, timeout=60
    )
    names = [line.split(maxsplit=2)[2] for line in printed.stdout.splitlines()]
    assert [name for name in names if name.startswith(("hl_", "heapledger::engine::"))]
    assert [name for name in names if not re.match(r"hl_|(?:[\w :*&]+ )?heapledger::engine::", name)] == []


def test_hooked_paths_neither_end_the_service_nor_raise_nor_use_its_heap() -> None:
    inside = [p for p in sources("src/engine", "src/ledger") if p.parent.name == "engine" or "ledger_file" in p.name]
    # These two *are* malloc and operator new; what they forward to is named in next_allocator.cc.
    interposed = {"interpose.cc", "operators.cc"}
    inside += [p for p in (ROOT / "src" / "hooks").rglob("*") if p.suffix in (".h", ".cc") and p.name not in interposed]
    wrong = []
    for path in inside:
        for number, line in enumerate(code_of(path.read_text()).splitlines(), 1):
            code = "" if line.lstrip().startswith("#") else re.sub(r"=\s*delete\b", "", line)
            wrong += [
                f"{name_of(path)}:{number} {reason}: {line.strip()}"
                for pattern, reason in BANNED_ON_HOOKED_PATHS.items()
                if re.search(pattern, code)
            ]
    assert not wrong


@pytest.mark.parametrize(
    "line",
    [
        "std::abort();",
        "printf(1);",
        "throw 1;",
        "auto* p = new int;",
        "x = malloc(3);",
        "std::string name;",
        "std::mutex m;",
    ],
)
def test_the_banned_words_are_recognised(line: str) -> None:
    assert any(re.search(pattern, line) for pattern in BANNED_ON_HOOKED_PATHS)


def test_what_is_loaded_into_a_service_brings_no_library_of_its_own() -> None:
    installed = sorted(PACKAGE.glob("_engine*.so")) + sorted(PACKAGE.glob("_exchange*.so"))
    installed += sorted(PACKAGE.glob("libheapledger*.so"))
    assert len(installed) == 5
    foreign = {}
    # CPython itself stands on libm.
    usual = r"libc\.so|libm\.so|ld-linux|libheapledger_|libpthread|libdl"
    for library in installed:
        printed = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True, timeout=60)
        needed = re.findall(r"\(NEEDED\).*\[(.*?)\]", printed.stdout)
        if others := [n for n in needed if not re.match(usual, n)]:
            foreign[library.name] = others
    assert not foreign


def test_files_stay_readable_in_one_sitting() -> None:
    folders = ("src", "include", "python/heapledger", "fuzz", "benchmarks", "tests")
    found = sources(*folders, suffixes=(".h", ".cc", ".py", ".pyi", ".sql"))
    long = {
        name_of(p): n
        for p in found
        if (n := len(p.read_text().splitlines())) > (STUB_LINES if p.suffix == ".pyi" else FILE_LINES)
    }
    assert not long


def test_functions_stay_short() -> None:
    long = []
    for path in sources("src", "include", "fuzz"):
        for line, length, head in function_lengths(code_of(path.read_text())):
            if length > FUNCTION_LINES and head not in LONG_FUNCTIONS_ALLOWED:
                long.append(f"{name_of(path)}:{line} {length} lines: {head}")
    for path in sources("python/heapledger", suffixes=(".py",)):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES:
                    long.append(f"{name_of(path)}:{node.lineno} {length} lines: {node.name}")
    assert not long


def test_function_lengths_are_measured() -> None:
    code = """namespace a {
int f(int x) {
  if (x) {
    return 1;
  }
  return 2;
}
struct alignas(8) S {
  void g() {}
};
}
"""
    assert list(function_lengths(code)) == [(2, 6, "int f(int x)"), (9, 1, "void g()")]


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_frameworks_are_imported_in_adapters_alone() -> None:
    wrong = {}
    for path in sources("python/heapledger", suffixes=(".py", ".pyi")):
        if not {"adapters", "_example"} & set(path.parts) and (found := imported_modules(path) & FRAMEWORKS):
            wrong[name_of(path)] = found
    assert not wrong


def test_the_package_imports_nothing_that_is_not_in_the_standard_library() -> None:
    ours = {"heapledger", "__future__", "sitecustomize", "heapledger_children"} | FRAMEWORKS
    wrong = {}
    for path in sources("python/heapledger", suffixes=(".py",)):
        if "_example" not in path.parts and (found := imported_modules(path) - sys.stdlib_module_names - ours):
            wrong[name_of(path)] = found
    assert not wrong


def test_nothing_is_named_after_no_particular_purpose() -> None:
    vague = re.compile(r"(?:^|_)(?:utils?|helpers?|managers?|misc|common)(?:_|\.|$)")
    assert [name_of(p) for p in tracked_files() if any(vague.search(part) for part in p.relative_to(ROOT).parts)] == []


def test_no_file_names_a_place_of_one_machine() -> None:
    places = re.compile(r"(?<![\w.$}])/(?:root|work|home/[a-z]\w*|Users/\w+)/")
    wrong = []
    for path in tracked_files():
        if path == Path(__file__):
            continue
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        wrong += [
            f"{name_of(path)}:{number} {line.strip()[:100]}"
            for number, line in enumerate(lines, 1)
            if places.search(line)
        ]
    assert not wrong


def test_every_verb_of_the_command_line_is_documented() -> None:
    printed = subprocess.run([CLI, "--help"], capture_output=True, text=True, check=True, timeout=30).stdout
    section = re.split(
        r"^\s*(?:SUBCOMMANDS|Subcommands|VERBS|Verbs|COMMANDS|Commands):?\s*$", printed, flags=re.MULTILINE
    )[1]
    verbs = re.findall(r"^  ([a-z]+)\b", section, re.MULTILINE)
    assert {"run", "requests", "doctor", "demo"} <= set(verbs)
    pages = (ROOT / "README.md").read_text() + "".join(p.read_text() for p in sorted((ROOT / "docs").rglob("*.md")))
    assert [verb for verb in verbs if f"heapledger {verb}" not in pages] == []


def test_a_type_has_its_name_alone() -> None:
    """Two types of one name in one namespace share the functions that the linker keeps one of."""
    places: dict[tuple[str, str], list[str]] = {}
    for path in (*(ROOT / "src").rglob("*.h"), *(ROOT / "src").rglob("*.cc"), *(ROOT / "include").rglob("*.h")):
        source = path.read_text()
        named = re.search(r"^namespace (heapledger[\w:]*) \{", source, re.MULTILINE)
        hidden = [
            m.span() for m in re.finditer(r"^namespace \{.*?^\}  // namespace$", source, re.MULTILINE | re.DOTALL)
        ]
        for found in re.finditer(
            r"^(?:struct|class|enum class) (?:alignas\(\d+\) )?(\w+)(?: final)?(?: : [^;{]+)? \{", source, re.MULTILINE
        ):
            if named is not None and not any(begin <= found.start() < end for begin, end in hidden):
                places.setdefault((named[1], found[1]), []).append(path.name)
    assert len(places) > 300
    assert {key: files for key, files in places.items() if len(files) > 1} == {}
