"""A Flask service that reads what it is sent, each route in another way."""

from __future__ import annotations

import shutil
import tempfile

from flask import Flask, request

app = Flask("uploads")


@app.post("/data")
def data() -> str:
    return str(len(request.get_data()))


@app.post("/read")
def read() -> str:
    stream, count = request.environ["wsgi.input"], 0
    length = request.content_length
    while piece := stream.read(4096 if length is None else min(4096, length - count)):
        count += len(piece)
    return str(count)


@app.post("/lines")
def lines() -> str:
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(request.stream, file)
        return str(file.tell())


@app.post("/iterated")
def iterated() -> str:
    return str(sum(len(line) for line in request.stream))


@app.post("/nothing")
def nothing() -> str:
    return "nothing"
