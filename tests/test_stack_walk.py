"""The Python stack is read right from the interpreter's frames, at any moment, without disturbing it."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import threading
import traceback
from pathlib import Path
from types import FrameType, ModuleType

import pytest

pytestmark = pytest.mark.every_python

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("src/cpython/stack_walk.cc", "src/cpython/stack_text.cc", "src/cpython/compat.cc")
Place = tuple[str, str, int]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Compiled for this interpreter, as the engine is: tests/walker/stack_probe.cc."""
    target = tmp_path_factory.mktemp("walker") / f"stack_probe{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = Path(sysconfig.get_paths()["include"])
    # The second is for a Python whose folder of headers is not where the compiler looks for multiarch ones.
    command = ["g++", "-std=c++20", "-O2", "-DNDEBUG", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
    command += ["-fPIC", "-shared", "-fno-exceptions", "-fno-rtti", f"-I{ROOT}/src", "-isystem", str(include)]
    command += ["-idirafter", str(include.parent), "-o", str(target)]
    subprocess.run([*command, *SOURCES, "tests/walker/stack_probe.cc"], cwd=ROOT, check=True, timeout=300)
    spec = importlib.util.spec_from_file_location("stack_probe", target)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def told(frame: FrameType | None) -> list[Place]:
    """What the interpreter itself says, innermost first."""
    return [
        (getattr(each.f_code, "co_qualname", each.f_code.co_name), each.f_code.co_filename, line)
        for each, line in traceback.walk_stack(frame)
    ]


def shortened(places: list[Place]) -> list[Place]:
    def end(name: str) -> str:
        return name if len(name.encode()) <= 256 else "..." + name.encode()[-253:].decode()

    return [(function.encode()[:96].decode(), end(file), line) for function, file, line in places]


def walked(answer: tuple[list[tuple[str, str, int, int, int]], bool]) -> list[Place]:
    frames, truncated = answer
    assert not truncated
    return [frame[:3] for frame in frames]


class Both:
    """Two answers about one place: ours and the interpreter's, asked on one line of the caller."""

    def __init__(self, probe: ModuleType) -> None:
        self.ask = (probe.walk, sys._getframe)
        self.seen: list[tuple[list[Place], list[Place]]] = []

    def __call__(self, ours: tuple[list[tuple[str, str, int, int, int]], bool], frame: FrameType) -> None:
        self.seen.append((walked(ours), shortened(told(frame))))

    def agree(self, *functions: str) -> None:
        assert [ours[0][0].rsplit(".", 1)[-1] for ours, _ in self.seen] == list(functions)
        for ours, theirs in self.seen:
            assert ours == theirs


@pytest.fixture
def both(probe: ModuleType) -> Both:
    return Both(probe)


def test_nested_functions_closures_and_methods(both: Both) -> None:
    walk, here = both.ask

    class Outer:
        def __init__(self) -> None:
            both(walk(), here())

        @functools.wraps(len)
        def method(self) -> None:
            def inner() -> None:
                both(walk(), here())
                assert self

            inner()

        @property
        def value(self) -> int:
            both(walk(), here())
            return 1

    Outer().method()
    assert Outer().value
    (lambda: both(walk(), here()))()
    both.agree("__init__", "inner", "__init__", "value", "<lambda>")


def test_generators_and_comprehensions(both: Both) -> None:
    walk, here = both.ask

    def numbers() -> object:
        both(walk(), here())
        yield 1
        yield from more()
        both(walk(), here())

    def more() -> object:
        both(walk(), here())
        yield 2

    def comprehension() -> None:
        assert [both(walk(), here()) for _ in range(1)]
        assert list(both(walk(), here()) for _ in range(1))  # noqa: C400

    assert list(numbers()) == [1, 2]
    comprehension()
    inlined = "comprehension" if sys.version_info >= (3, 12) else "<listcomp>"
    both.agree("numbers", "more", "numbers", inlined, "<genexpr>")


def test_coroutines_and_asynchronous_generators(both: Both) -> None:
    walk, here = both.ask

    async def numbers() -> object:
        both(walk(), here())
        yield 1
        await asyncio.sleep(0)
        both(walk(), here())

    async def main() -> None:
        async for _ in numbers():
            both(walk(), here())
        await asyncio.gather(leaf(), leaf())

    async def leaf() -> None:
        await asyncio.sleep(0)
        both(walk(), here())

    asyncio.run(main())
    both.agree("numbers", "main", "numbers", "leaf", "leaf")


def test_classes_decorators_callbacks_and_code_made_at_run_time(both: Both) -> None:
    walk, here = both.ask

    def decorator(function: object) -> object:
        both(walk(), here())
        return function

    @decorator
    class Body:
        both(walk(), here())

    def key(number: int) -> int:
        both(walk(), here())
        return -number

    assert sorted([1, 2], key=key) == [2, 1]
    assert list(map(key, [3])) == [-3]
    exec(compile("def größe():\n\n  both(walk(), here())\ngröße()", "日本/été.py", "exec"), {**locals()})
    assert eval("[both(walk(), here())]", {**locals()}) == [None]
    both.agree("Body", "decorator", "key", "key", "key", "größe", both.seen[-1][1][0][0])
    assert both.seen[-2][0][0][1:] == ("日本/été.py", 3)


def test_exceptions_finalisers_and_context_managers(both: Both) -> None:
    walk, here = both.ask

    class Finalised:
        def __del__(self) -> None:
            both(walk(), here())

        def __enter__(self) -> None:
            both(walk(), here())

        def __exit__(self, *_: object) -> None:
            both(walk(), here())

    def raising() -> None:
        thing = Finalised()
        try:
            with thing:
                raise ValueError(1)
        finally:
            both(walk(), here())

    with pytest.raises(ValueError):
        raising()
    both.agree("__enter__", "__exit__", "raising", *(["__del__"] * (len(both.seen) - 3)))


def test_a_thread_with_and_without_the_gil(both: Both, probe: ModuleType) -> None:
    walk, here = both.ask

    def work() -> None:
        both(walk(), here())
        both(probe.walk_detached(), here())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work()
    both.agree(*["work"] * 8)


def test_a_deep_stack_is_cut_and_said_to_be(probe: ModuleType) -> None:
    def deep(more: int) -> tuple[list[tuple[str, str, int, int, int]], bool]:
        return deep(more - 1) if more else probe.walk(24)

    frames, truncated = deep(300)
    assert truncated
    assert len(frames) == 24
    assert len({frame[3] for frame in frames}) <= 3  # where it calls itself, and where it calls us
    whole = len(told(sys._getframe()))
    assert len(probe.walk(whole)[0]) == whole
    assert probe.walk(whole)[1] is False
    assert probe.walk(whole - 1)[1] is True
    assert probe.walk(0) == ([], True)


@pytest.mark.parametrize(
    ("name", "file", "shown", "shown_file"),
    [
        ("f" * 200, "a" * 256, "f" * 96, "a" * 256),
        ("é" * 60, "/" + "é" * 200 + ".py", "é" * 48, "..." + "é" * 125 + ".py"),
        ("a" + "é" * 60, "𝔘" * 100, "a" + "é" * 47, "..." + "𝔘" * 63),
        ("語" * 40, "\udcff.py", "語" * 32, "\ufffd.py"),
        ("𐐷" * 25, "", "𐐷" * 24, ""),
    ],
)
def test_long_and_strange_names_are_cut_between_characters(
    probe: ModuleType, name: str, file: str, shown: str, shown_file: str
) -> None:
    scope = {"walk": probe.walk}
    exec(compile(f"def {name}():\n  return walk(1)", file, "exec"), scope)
    ((function, path, line, _, _),), _ = scope[next(reversed(scope))]()
    assert (function, path, line) == (shown, shown_file, 2)


def place(probe: ModuleType, source: str, file: str) -> int:
    scope = {"walk": probe.walk}
    exec(compile(source, file, "exec"), scope)
    return int(scope["f"]()[0][0][3])


def test_a_places_number_is_its_content(probe: ModuleType) -> None:
    source = "def f():\n  return walk(1)"
    long = "/" + "x" * 2000
    names = ["", "a", "b", "ab", "ba", "aba", "/v1/a.py", "/v2/a.py", "é", "語", "x" * 31, "x" * 32, "x" * 33, long]
    first = [place(probe, source, name) for name in names]
    assert first == [place(probe, source, "".join([name[:1], name[1:]])) for name in names]
    others = [place(probe, "\n" + source, "a"), place(probe, "def f():\n  1 .real\n  return walk(1)", "a")]
    others.append(place(probe, "def g():\n  return walk(1)\nf = g", "a"))
    others += [place(probe, source, "/app/" + "v" * i + "/handlers/reports.py") for i in range(100)]
    assert len({*first, *others}) == len(first) + len(others)


@pytest.mark.parametrize("allocator", ["default", "debug"])
def test_walking_at_every_allocation_of_a_busy_program(probe: ModuleType, allocator: str) -> None:
    program = ROOT / "tests" / "walker" / "busy_program.py"
    assert probe.__file__ is not None
    ended = subprocess.run(
        [sys.executable, program, Path(probe.__file__).parent],
        env={**os.environ, "PYTHONMALLOC": allocator},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    assert seen["allocations"] > 50_000
    assert seen["frames"] > 5 * seen["allocations"]
    assert seen["empty"] <= 10  # a thread's beginning and end
    assert seen["strange_roots"] == 0  # every whole stack ends where its thread began
    assert seen["without_line"] == 0
