"""A Flask service whose requests cost what their URL says."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, Response, jsonify

from applications import costs
from applications.costs import gates

app = Flask("costly")
pool = ThreadPoolExecutor(8)
_OK = "ok"


@app.get("/gates/<name>/<int:parties>")
def make_gate(name: str, parties: int) -> str:
    gates[name] = costs.Gate(parties)
    return _OK


@app.get("/gates/<name>")
def open_gate(name: str) -> str:
    gates[name].open()
    return _OK


@app.get("/buffer/<gate>/<int:booked>")
def buffer(gate: str, booked: int) -> str:
    held = costs.buffer(booked)
    gates[gate].wait()
    del held
    return _OK


@app.get("/alone/<int:booked>")
def alone(booked: int) -> Response:
    held = costs.buffer(booked)
    return jsonify(items=costs.ordinary_objects(20), length=len(held))


@app.get("/pid")
def pid() -> str:
    return str(os.getpid())


@app.get("/hold/<int:booked>")
def hold(booked: int) -> str:
    """Never answers, within any deadline of a test."""
    held = costs.buffer(booked)
    costs.holding.set()
    costs.go_on.wait(10 * costs.DEADLINE_SECONDS)
    return str(len(held))


@app.get("/holding")
def holding() -> tuple[str, int]:
    """This worker's id if it holds one of those requests."""
    return (str(os.getpid()), 200) if costs.holding.is_set() else ("", 204)


@app.get("/fork/<int:booked>")
def fork(booked: int) -> str:
    """A child that allocates, frees what it inherited, and ends without a word."""
    held = costs.buffer(booked)
    child = os.fork()
    if child == 0:
        costs.kept["of the child"] = costs.buffer(booked)
        del held
        os._exit(0)
    return str(os.waitpid(child, 0)[1])


@app.get("/children")
def children() -> str:
    """What a child that is no Python sees, and one that is."""
    program = "import os; print(sorted(os.environ.items()))"
    outputs = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for command in (["/usr/bin/env"], [sys.executable, "-c", program])
    ]
    return "\n".join(sorted(outputs[0].splitlines())) + outputs[1]


@app.get("/say/<words>")
def say(words: str) -> str:
    print(words, flush=True)
    print(words.upper(), file=sys.stderr, flush=True)
    return words


@app.get("/tracemalloc/<state>")
def tracemalloc_state(state: str) -> str:
    if state == "start":
        tracemalloc.start()
    else:
        tracemalloc.stop()
    return _OK


@app.get("/text/<gate>/<int:booked>")
def text(gate: str, booked: int) -> str:
    held = costs.text(booked)
    gates[gate].wait()
    del held
    return _OK


@app.get("/list/<gate>/<int:booked>")
def big_list(gate: str, booked: int) -> str:
    held = costs.big_list(booked)
    gates[gate].wait()
    del held
    return _OK


@app.get("/executor/<gate>/<int:booked>")
def executor(gate: str, booked: int) -> str:
    held: list[bytearray] = []
    pool.submit(costs.buffer_into, held, booked).result()
    gates[gate].wait()
    del held
    return _OK


@app.get("/thread/<gate>/<int:booked>")
def thread(gate: str, booked: int) -> str:
    held: list[bytearray] = []

    def work() -> None:
        held.append(costs.buffer(booked))
        gates[gate].wait()
        held.clear()

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    return _OK


@app.get("/to-thread/<gate>/<int:booked>")
def to_thread(gate: str, booked: int) -> str:
    async def work() -> None:
        held: list[bytearray] = []
        await asyncio.to_thread(costs.buffer_into, held, booked)
        await asyncio.to_thread(gates[gate].wait)
        del held

    asyncio.run(work())
    return _OK


@app.get("/generator/<gate>/<int:booked>")
def generator(gate: str, booked: int) -> Response:
    def parts() -> Iterator[str]:
        held = costs.buffer(booked)
        yield _OK
        gates[gate].wait()
        del held
        yield _OK

    return Response(parts(), mimetype="text/plain")


@app.get("/hand-off/<gate>/<name>/<int:booked>")
def hand_off(gate: str, name: str, booked: int) -> str:
    costs.kept[name] = costs.buffer(booked)
    gates[gate].wait()
    return _OK


@app.get("/adopt/<gate>/<name>")
def adopt(gate: str, name: str) -> str:
    gates[gate].all_inside()
    costs.kept[name] = None
    return _OK


@app.get("/outlived/<int:booked>")
def outlived(booked: int) -> str:
    costs.kept["thread"] = costs.allocate_later(booked)
    return _OK


@app.get("/go-on")
def go_on() -> str:
    costs.go_on.set()
    costs.kept["thread"].join(costs.DEADLINE_SECONDS)
    return _OK


@app.get("/ordinary/<gate>/<int:count>")
def ordinary(gate: str, count: int) -> Response:
    first = costs.ordinary_objects(count)
    gates[gate].wait()
    second = costs.ordinary_objects(count)
    return jsonify(items=first, more=second)


@app.get("/compress/<int:rounds>")
def compress(rounds: int) -> str:
    costs.compress(rounds)
    return _OK


@app.get("/compress-there/<int:rounds>")
def compress_there(rounds: int) -> str:
    for job in [pool.submit(costs.compress, rounds) for _ in range(2)]:
        job.result()
    return _OK
