"""The engine inside this process: hooks, owners, scopes. Written in C++ (src/cpython); one build per Python."""

from collections.abc import Callable
from typing import Any, final

UNMATCHED: str  # "<unmatched>"
APPROXIMATE: int
RAISED: int
STREAMED_IN: int
STREAMED_OUT: int
DISCONNECTED: int
READ: int  # phases that enter_phase and mark know
READ_WHOLE: int  # these two: and the row says that the body was asked for whole
DESERIALIZE_WHOLE: int
DESERIALIZE: int
HANDLE: int  # marks nothing
SERIALIZE: int

@final
class Request:
    """One request's owner token. Lives in a pool, never constructed from Python, never freed.

    A handle that was kept after its request ended is inert: every call on it is a no-op, `is_open` is False.
    """

    endpoint: int  # id from intern_endpoint; 0 until the route is known
    received_bytes: int
    sent_bytes: int
    request_encoding: int  # code of the body's Content-Encoding, 0: none (src/ledger/layout_payload.h)
    response_encoding: int
    @property
    def sequence(self) -> int: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def allocated_bytes(self) -> int: ...
    @property
    def live_bytes(self) -> int: ...
    @property
    def peak_bytes(self) -> int: ...

def start(run_dir: str) -> bool:
    """Install the hooks and open this process's ledger in run_dir. Twice is a no-op. False: off (see status())."""

def status() -> dict[str, Any]:
    """active, reason, rule, ledger_path, hooks displaced, counters: for doctor and tests."""

def environment() -> list[bytes]:
    """The entries "NAME=value" that a child inherits; os.environ lacks what os.putenv and C code put there."""

def freeze() -> None:
    """Stop the books for good: audit, final sample, hooks only forward from here on."""

def audit() -> dict[str, int]:
    """Walk the block map: live_bytes by walking, live_bytes by the owners' counters, mismatching owners. For tests."""

def begin() -> Request | None:
    """Open a request and make it the current owner of this context (always a fresh one). None when off or frozen."""

def end(request: Request, status: int, flags: int, request_type: str, response_type: str) -> None:
    """The response is out (or failed): snapshot the figures. Twice is a no-op. The row is written by leave().

    The request stays the current owner: what is allocated from here on is its after-response memory.
    """

def enter(request: Request) -> None:
    """Make it this context's owner until restore() is called in the same context."""

def restore(request: Request) -> None:
    """Restore the context's previous owner now; leave() follows when the request's last frames are gone."""

def leave(request: Request) -> None:
    """Restore the context's previous owner; called in the context that called begin(). Calls end() if nobody did.

    Writes the request's row, with what was allocated since end() as its after-response memory. In a foreign context
    (a generator closed elsewhere) the reset is skipped and the context forgets the request instead. Never raises.
    """

def discard(request: Request) -> None:
    """Write no row for this open request (an ignored route, or our own failure); leave() is called as ever.

    Its bytes stay in the books, under no endpoint.
    """

def enter_phase(request: Request, phase: int, /) -> int:
    """Mark a phase of this request from here on; what leave_phase takes.

    0: nothing was marked, since it belongs to the phase that the request is in (docs/payload_capture.md).
    """

def leave_phase(request: Request, visit: int, /) -> None:
    """The phase that enter_phase began is over."""

def mark(function: Callable[..., Any], phase: int, getter_of: type | None = None, /) -> bool:
    """Its calls, wherever it was imported to, are a phase of the running request. The object itself stays as it is.

    getter_of: the class whose property it gets. False: it is neither Python's nor a built-in function, or taken.
    """

def begin_sending(request: Request, /) -> None:
    """The response is on its way: what the request does from here on, and is no other phase, is sending."""

def note_body_limit(setting: str, limit: int | None, /) -> bool:
    """How large a request body may be in this process by a framework's setting. False: no room to note it."""

def current() -> Request | None:
    """The open request that the calling code runs under, if any."""

def run_with(request: Request | None, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call function(*args, **kwargs) with `request` as the owner, then restore. No frame of ours in tracebacks."""

def adopt(body: bytes) -> None:
    """Re-own a bytes object's block to the current request (a body chunk that the server read before)."""

def intern_endpoint(method: str, route: str, version: str, deprecated: bool) -> int:
    """Id for an endpoint, >= 1; the caller keeps a dict in front. A full table answers with (method, "<other>")."""

def pool_describe(
    name: str,
    library: str,
    settings: str,
    min_size: int | None,
    max_size: int | None,
    max_overflow: int | None,
    timeout_us: int | None,
    recycle_us: int | None,
    /,
) -> int:
    """Id of a connection pool; an equal description has the same. 0: off, or no room (counted). settings: JSON."""

def pool_connect(pool: int, life: object = None, end_is_unseen: bool = False, /) -> Request | None:
    """Begin to make a connection: a token for run_with() or enter(), whose allocations are the connection's.

    A token that dies before pool_close() was called counts as a connection that went without its pool's doing; not
    when `life` is gone, too (what takes it along regularly: its pool). end_is_unseen: nobody calls pool_close(), so
    only one that is checked out is lost.
    """

def pool_connected(connection: Request | None, /) -> None:
    """It is made: idle from here on."""

def pool_checkout(connection: Request | None, wait_ns: int, frame: object = None, /) -> None:
    """Somebody takes it: the running request, through the running stack without functions of the caller's folder.

    wait_ns below 0: it was not measured. frame: where the stack goes on beyond its end, when it runs in a greenlet.
    """

def pool_checkin(connection: Request | None, /) -> None:
    """It was given back."""

def pool_invalidate(connection: Request | None, /) -> None:
    """It was found not to work."""

def pool_detach(connection: Request | None, /) -> None:
    """Who has it took it out of its pool for good: none of the pool's any more, with what it holds."""

def pool_close(connection: Request | None, /) -> None:
    """It was closed (or could not be made)."""

def pool_lose(connection: Request | None, /) -> None:
    """It lives, but its pool has neither lent it nor keeps it."""

def pool_timeout(pool: int, wait_ns: int, /) -> None:
    """No connection came in time."""

def pool_waiting(pool: int, by: int, /) -> None:
    """So many more (or fewer) wait for a connection."""

def note_end_of_life(endpoint: int, deprecation: str, sunset: str) -> bool:
    """Headers Deprecation and Sunset of an endpoint's responses; the first ones count. False: no room."""

def enter_compat() -> bytes | None:
    """What the current request has taken so far; None outside of any, and where nothing is recorded."""

def leave_compat(span: bytes, name: str) -> bool:
    """Charge what the current request took since `enter_compat` to `name`. False: it is another request."""

def note_unseen(package: str) -> None:
    """Name a loaded package that has an allocator of its own: the report says what cannot be seen."""

def set_server(name: str) -> None:
    """Name of the server in front ("gunicorn", "uvicorn", ...), for reports."""

def on_import(module: str, callback: Callable[[Any], None]) -> None:
    """Call callback(module object) once, right after `module` is first imported (at once if it is loaded).

    Exceptions of the callback are swallowed and counted.
    """
