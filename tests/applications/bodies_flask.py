"""A Flask service that spends memory in proportion to bodies."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, request

from applications import bodies

app = Flask("bodies")


def _read() -> int:
    size = 0
    while piece := request.stream.read(bodies.PIECE_BYTES):
        size += len(piece)
    return size


def _wanted() -> int:
    return int(request.args.get("size", "0"))


def _spends_on_requests(ratio: int, base: int) -> Callable[[], str]:
    def handler() -> str:
        bodies.hold(ratio, base, _read())
        return "ok"

    return handler


def _spends_on_responses(ratio: int, base: int) -> Callable[[], Response]:
    def handler() -> Response:
        return Response(bodies.pieces_while_held(ratio, base, _wanted()), mimetype="application/octet-stream")

    return handler


for _ratio, _base in bodies.COSTS:
    app.add_url_rule(
        f"/in/{_ratio}/{_base}", f"in-{_ratio}-{_base}", _spends_on_requests(_ratio, _base), methods=["POST"]
    )
    app.add_url_rule(f"/out/{_ratio}/{_base}", f"out-{_ratio}-{_base}", _spends_on_responses(_ratio, _base))


@app.post("/files")
def files() -> str:
    return str(sum(len(file.read()) for file in request.files.values()))


@app.post("/nothing")
def nothing() -> tuple[str, int]:
    return "", 204


@app.post("/hold-in")
def hold_in() -> str:
    return str(len(request.get_data()))


@app.post("/pass-in")
def pass_in() -> str:
    return str(_read())


@app.get("/hold-out")
def hold_out() -> Response:
    return Response(bytes(_wanted()), mimetype="application/octet-stream")


@app.get("/pass-out")
def pass_out() -> Response:
    return Response(bodies.pieces(_wanted()), mimetype="application/octet-stream")


@app.post("/pass-both")
def pass_both() -> Response:
    _read()
    return Response(bodies.pieces(_wanted()), mimetype="application/octet-stream")


@app.post("/now-and-then")
def now_and_then() -> str:
    return str(_read() if request.args.get("pass") else len(request.get_data()))
