"""A Flask service whose requests allocate in phases."""

from __future__ import annotations

import gzip

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from applications import coded, costs
from applications.costs import gates

app = Flask("coded")
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024


@app.get("/gates/<name>/<int:parties>")
def make_gate(name: str, parties: int) -> str:
    gates[name] = costs.Gate(parties)
    return "ok"


@app.get("/gates/<name>")
def open_gate(name: str) -> str:
    gates[name].open()
    return "ok"


@app.get("/explicit/<int:parsed>/<int:handled>/<int:written>")
def explicit(parsed: int, handled: int, written: int) -> str:
    return coded.explicit(parsed, handled, written)


@app.get("/together/<gate>/<int:parsed>/<int:handled>/<int:written>")
def together(gate: str, parsed: int, handled: int, written: int) -> str:
    held = coded.parse(parsed)
    gates[gate].wait()
    return coded.explicit(parsed, handled, written)[:0] + str(len(held))


@app.get("/failing/<int:booked>")
def failing(booked: int) -> str:
    return coded.failing(booked)


@app.get("/nested/<int:booked>")
def nested(booked: int) -> str:
    return coded.nested(booked)


@app.get("/in-thread/<int:booked>")
def in_thread(booked: int) -> str:
    return coded.in_thread(booked)


@app.get("/in-two-threads/<int:booked>")
def in_two_threads(booked: int) -> str:
    return coded.in_two_threads(booked)


@app.get("/stream/<int:booked>")
def stream(booked: int) -> Response:
    return Response(coded.pieces(booked), mimetype="text/plain")


@app.post("/body")
def body() -> str:
    return str(len(request.get_data()))


@app.post("/json")
def json_body() -> Response:
    return jsonify(text=request.get_json()["text"])


@app.post("/form")
def form() -> str:
    return str(len(request.files["file"].read()) + len(request.form["name"]))


@app.get("/gzip/<int:length>")
def zipped(length: int) -> Response:
    response = Response(gzip.compress(bytes(length)), mimetype="application/octet-stream")
    response.headers["Content-Encoding"] = "gzip"
    return response


@app.get("/nothing")
def nothing() -> ResponseReturnValue:
    return "", 204
