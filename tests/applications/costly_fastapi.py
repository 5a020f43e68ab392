"""A FastAPI service whose requests cost what their URL says."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import heapledger
from fastapi import BackgroundTasks, FastAPI
from starlette.responses import PlainTextResponse, StreamingResponse

from applications import costs
from applications.costs import async_gates, gates


@asynccontextmanager
async def many_threads(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = 300
    yield


app = FastAPI(lifespan=many_threads)
pool = ThreadPoolExecutor(8)
_OK = "ok"


def answer() -> PlainTextResponse:
    return PlainTextResponse(_OK)


@app.get("/gates/{name}/inside")
async def await_inside(name: str) -> PlainTextResponse:
    await async_gates[name].all_inside()
    return answer()


@app.get("/gates/{name}/{parties}")
async def make_gates(name: str, parties: int) -> PlainTextResponse:
    async_gates[name], gates[name] = costs.AsyncGate(parties), costs.Gate(parties)
    return answer()


@app.get("/gates/{name}")
async def open_gate(name: str, threads: bool = False) -> PlainTextResponse:
    if threads:
        await asyncio.to_thread(gates[name].open)
    else:
        await async_gates[name].open()
    return answer()


@app.get("/nothing/{gate}")
async def nothing(gate: str) -> PlainTextResponse:
    await async_gates[gate].wait()
    return answer()


@app.get("/buffer/{gate}/{booked}")
async def buffer(gate: str, booked: int) -> PlainTextResponse:
    held = costs.buffer(booked)
    await async_gates[gate].wait()
    del held
    return answer()


@app.get("/text/{gate}/{booked}")
async def text(gate: str, booked: int) -> PlainTextResponse:
    held = costs.text(booked)
    await async_gates[gate].wait()
    del held
    return answer()


@app.get("/list/{gate}/{booked}")
async def big_list(gate: str, booked: int) -> PlainTextResponse:
    held = costs.big_list(booked)
    await async_gates[gate].wait()
    del held
    return answer()


@app.get("/awaits/{gate}/{booked}")
async def awaits(gate: str, booked: int) -> PlainTextResponse:
    held: list[bytearray] = []
    await async_gates[gate].wait()
    for _ in range(8):
        held.append(costs.buffer(booked // 8))
        await asyncio.sleep(0)
    del held
    return answer()


@app.get("/to-thread/{gate}/{booked}")
async def to_thread(gate: str, booked: int) -> PlainTextResponse:
    held: list[bytearray] = []
    await asyncio.to_thread(costs.buffer_into, held, booked)
    await async_gates[gate].wait()
    del held
    return answer()


@app.get("/executor/{gate}/{booked}")
async def executor(gate: str, booked: int) -> PlainTextResponse:
    held: list[bytearray] = []
    await asyncio.get_running_loop().run_in_executor(pool, costs.buffer_into, held, booked)
    await async_gates[gate].wait()
    del held
    return answer()


@app.get("/thread/{gate}/{booked}")
async def thread(gate: str, booked: int) -> PlainTextResponse:
    held: list[bytearray] = []
    worker = threading.Thread(target=costs.buffer_into, args=(held, booked))
    worker.start()
    worker.join()
    await async_gates[gate].wait()
    del held
    return answer()


@app.get("/sync/{gate}/{booked}")
def sync(gate: str, booked: int) -> PlainTextResponse:
    held = costs.buffer(booked)
    gates[gate].wait()
    del held
    return answer()


@app.get("/generator/{gate}/{booked}")
async def generator(gate: str, booked: int) -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        held = costs.buffer(booked)
        yield _OK
        await async_gates[gate].wait()
        del held
        yield _OK

    return StreamingResponse(parts(), media_type="text/plain")


@app.get("/sync-generator/{gate}/{booked}")
def sync_generator(gate: str, booked: int) -> StreamingResponse:
    def parts() -> Iterator[str]:
        held = costs.buffer(booked)
        yield _OK
        gates[gate].wait()
        del held
        yield _OK

    return StreamingResponse(parts(), media_type="text/plain")


@app.get("/stream/{gate}")
async def stream(gate: str) -> StreamingResponse:
    """Holds a block whose size follows from the request's number."""
    request = heapledger.current()
    booked = costs.size_by_number(request.sequence if request else 0)

    async def parts() -> AsyncIterator[str]:
        held = costs.text(booked)
        yield _OK
        await async_gates[gate].wait()
        del held
        yield _OK

    return StreamingResponse(parts(), media_type="text/plain")


@app.get("/hand-off/{gate}/{name}/{booked}")
async def hand_off(gate: str, name: str, booked: int) -> PlainTextResponse:
    costs.kept[name] = costs.buffer(booked)
    await async_gates[gate].wait()
    return answer()


@app.get("/adopt/{gate}/{name}")
async def adopt(gate: str, name: str) -> PlainTextResponse:
    await async_gates[gate].all_inside()
    costs.kept[name] = None
    return answer()


@app.get("/background/{booked}")
async def background(booked: int, tasks: BackgroundTasks) -> PlainTextResponse:
    def allocate() -> None:
        costs.buffer(booked)

    async def allocate_there() -> None:
        costs.buffer(booked)

    tasks.add_task(allocate)
    tasks.add_task(allocate_there)
    return PlainTextResponse(_OK, background=tasks)


@app.get("/outlived/{booked}")
async def outlived(booked: int) -> PlainTextResponse:
    costs.kept["thread"] = costs.allocate_later(booked)
    return answer()


@app.get("/go-on")
def go_on() -> PlainTextResponse:
    costs.go_on.set()
    costs.kept["thread"].join(costs.DEADLINE_SECONDS)
    return answer()


@app.get("/ordinary/{gate}/{count}")
async def ordinary(gate: str, count: int) -> Any:
    first = costs.ordinary_objects(count)
    await async_gates[gate].wait()
    second = costs.ordinary_objects(count)
    await asyncio.sleep(0)
    return {"items": first, "more": second}


@app.get("/pid")
async def pid() -> PlainTextResponse:
    return PlainTextResponse(str(os.getpid()))


@app.get("/compress/{rounds}")
def compress(rounds: int) -> PlainTextResponse:
    costs.compress(rounds)
    return answer()


@app.get("/compress-there/{rounds}")
async def compress_there(rounds: int) -> PlainTextResponse:
    await asyncio.gather(*(asyncio.to_thread(costs.compress, rounds) for _ in range(2)))
    return answer()
