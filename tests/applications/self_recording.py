"""A Flask service that records itself: where it starts is said by SELF_RECORDED."""

from __future__ import annotations

import os
import sys
from typing import Any

if os.environ.get("SELF_RECORDED") == "app":
    import heapledger

    heapledger.start(run_dir=os.environ["SELF_RECORDED_RUN_DIR"])

from applications.costly_flask import app

__all__ = ["app", "post_fork"]


def post_fork(server: Any, worker: Any) -> None:
    """As gunicorn calls it in a worker."""
    if os.environ.get("SELF_RECORDED") == "post_fork":
        import heapledger

        heapledger.start(run_dir=os.environ["SELF_RECORDED_RUN_DIR"])


def main() -> None:
    """Serve on the socket with this number, by werkzeug's server with threads."""
    from werkzeug.serving import make_server

    make_server("127.0.0.1", 0, app, threaded=True, fd=int(sys.argv[1])).serve_forever()


if __name__ == "__main__":
    main()
