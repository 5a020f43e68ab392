"""The current request goes with the work it hands to threads, and stays with no thread for life."""

from __future__ import annotations

import concurrent.futures
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import face
import fake_engine
import pytest

pytestmark = pytest.mark.every_python


@pytest.fixture
def engine() -> Iterator[fake_engine.Engine]:
    with face.on_fake_engine("threading", "concurrent.futures.thread", "anyio.to_thread") as engine:
        yield engine


def test_a_job_brings_its_request_and_leaves_none_behind(engine: fake_engine.Engine) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = engine.begin()
        assert pool.submit(engine.current).result() is first
        engine.leave(first)
        assert pool.submit(engine.current).result() is None
        second = engine.begin()
        assert pool.submit(engine.current).result() is second


def test_arguments_results_and_errors_are_the_jobs_own(engine: fake_engine.Engine) -> None:
    def job(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    def failing() -> None:
        raise ValueError("mine")

    engine.begin()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(job, 1, fn=2, self=3, request=4).result() == ((1,), {"fn": 2, "self": 3, "request": 4})
        assert list(pool.map(str, [1, 2])) == ["1", "2"]
        with pytest.raises(ValueError, match="mine") as caught:
            pool.submit(failing).result()
    frames = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert not any("heapledger/propagation" in name for name in frames)


def test_a_thread_runs_under_the_request_that_started_it(engine: fake_engine.Engine) -> None:
    seen: list[Any] = []

    class Own(threading.Thread):
        def run(self) -> None:
            seen.append(engine.current())

    request = engine.begin()
    for thread in (threading.Thread(target=lambda: seen.append(engine.current())), Own()):
        thread.start()
        thread.join()
    assert seen == [request, request]


def test_a_thread_that_cannot_start_raises_as_ever(engine: fake_engine.Engine) -> None:
    engine.begin()
    thread = threading.Thread(target=lambda: None)
    thread.start()
    with pytest.raises(RuntimeError, match="only be started once"):
        thread.start()
    thread.join()


def test_a_failing_thread_shows_no_frame_of_ours(engine: fake_engine.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    caught: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", caught.append)

    def fail() -> None:
        raise RuntimeError("as intended")

    engine.begin()
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    frames = [frame.filename for frame in traceback.extract_tb(caught[0].exc_traceback)]
    assert frames
    assert not any("heapledger" in name for name in frames)


def test_anyio_threads_carry_the_context_and_no_request_for_life(engine: fake_engine.Engine) -> None:
    anyio = pytest.importorskip("anyio")
    seen: list[Any] = []
    started: list[threading.Thread] = []

    def job() -> None:
        started.append(threading.current_thread())
        seen.append(engine.current())

    async def main() -> None:
        request = engine.begin()
        await anyio.to_thread.run_sync(job)
        engine.leave(request)
        await anyio.to_thread.run_sync(job)

    anyio.run(main)
    assert seen == [engine.requests[0], None]
    assert started[0] is started[1]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="interpreter pools came with 3.14")
def test_interpreter_pools_work_under_a_request(engine: fake_engine.Engine) -> None:
    engine.begin()
    with concurrent.futures.InterpreterPoolExecutor(1) as pool:  # type: ignore[attr-defined,unused-ignore]
        assert pool.submit(len, "abc").result() == 3
