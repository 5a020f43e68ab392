"""A Flask service whose workers have a pool each: /use takes a connection and says which worker it was.

TEST_POOL_FILE is its database. With TEST_POOL_EARLY the engine is used before the workers are forked, and each of them
starts anew without closing what its parent has.
"""

from __future__ import annotations

import os

from flask import Flask
from sqlalchemy import QueuePool, create_engine, text

app = Flask("workers")
engine = create_engine(
    f"sqlite:///{os.environ['TEST_POOL_FILE']}", poolclass=QueuePool, pool_size=5, max_overflow=10, pool_timeout=30
)


def work() -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


if os.environ.get("TEST_POOL_EARLY"):
    work()
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))


@app.get("/use")
def use() -> str:
    work()
    return str(os.getpid())
