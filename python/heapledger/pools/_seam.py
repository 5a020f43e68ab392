"""The one way from a library's pool into the engine: a pool's id, a connection's token, and what happens to them.

A token is made before the connection is, and kept on the object that stands for the connection (TOKEN). All functions
here swallow their own errors and count them: a pool works as if nobody watched.
"""

from __future__ import annotations

import time
import weakref

from heapledger import _engine, _health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    _T = TypeVar("_T")

Token = _engine.Request | None

TOKEN = "_heapledger_connection"  # attribute of what stands for a connection
_SEAM = "_heapledger_pool"  # ... and for a pool
_LONGEST_NAME = 200  # characters: what the ledger keeps of a text, and some
_LONGEST_SETTINGS = 900

now_ns = time.monotonic_ns
checkin = _engine.pool_checkin
close = _engine.pool_close


class Description:
    """A pool in its library's words. Times in seconds; None: the library has no such setting, or it is not set."""

    __slots__ = ("library", "max_overflow", "max_size", "min_size", "name", "recycle", "settings", "timeout")

    def __init__(
        self,
        library: str,
        name: str,
        settings: dict[str, Any],
        *,
        min_size: int | None = None,
        max_size: int | None = None,
        max_overflow: int | None = None,
        timeout: float | None = None,
        recycle: float | None = None,
    ) -> None:
        self.library = library
        self.name = name
        self.settings = settings
        self.min_size = min_size
        self.max_size = max_size
        self.max_overflow = max_overflow
        self.timeout = timeout
        self.recycle = recycle


_holders: dict[tuple[str, str], list[weakref.ref[Any]]] = {}


def pool_id(pool: Any, describe: Callable[[Any], Description]) -> int:
    """The id of a library's pool object, described at first need. 0: it is not watched."""
    try:
        known: int | None = pool.__dict__.get(_SEAM)
        if known is None:
            known = _enter(pool, describe(pool))
            setattr(pool, _SEAM, known)
        return known
    except Exception:
        _health.count("pool_not_described")
        return 0


def queue(pool: Any, describe: Callable[[Any], Description]) -> int:
    """Somebody has to wait for a connection of this pool, and is counted: its id, to be given back to `waited`."""
    number = pool_id(pool, describe)
    if number:
        _engine.pool_waiting(number, 1)
    return number


def waited(queued: int) -> None:
    """What `queue` counted is over."""
    _engine.pool_waiting(queued, -1)


def timed_out(pool: Any, describe: Callable[[Any], Description], took_ns: int) -> None:
    """Nothing came in time."""
    number = pool_id(pool, describe)
    if number:
        _engine.pool_timeout(number, took_ns)


def describe_once(pool: Any, found: Description) -> int:
    """The id of a pool that nothing is put on. 0: it is not watched."""
    try:
        return _enter(pool, found)
    except Exception:
        _health.count("pool_not_described")
        return 0


def _enter(pool: Any, found: Description) -> int:
    import json

    settings = json.dumps(found.settings, default=str)
    return _engine.pool_describe(
        _own_name(pool, found.library, (found.name or "unnamed")[:_LONGEST_NAME]),
        found.library,
        settings if len(settings) <= _LONGEST_SETTINGS else "{}",
        found.min_size,
        found.max_size,
        found.max_overflow,
        _microseconds(found.timeout),
        _microseconds(found.recycle),
    )


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None or not 0 <= seconds < 1e12 else int(seconds * 1_000_000)


def _own_name(pool: Any, library: str, name: str) -> str:
    """Two pools that live at once are two, whatever they are called; one that follows another takes its name over."""
    holders = _holders.setdefault((library, name), [])
    place = next((i for i, holder in enumerate(holders) if holder() is None), len(holders))
    holders[place : place + 1] = [weakref.ref(pool)]
    return name if place == 0 else f"{name} #{place + 1}"


def succeed(old: Any, new: Any) -> None:
    """A pool object took another's place: it is that pool, though the other one may live on for a while."""
    try:
        known = old.__dict__.get(_SEAM)
        if known is None or new is old:
            return
        setattr(new, _SEAM, known)
        for holders in _holders.values():
            holders[:] = [weakref.ref(new) if holder() is old else holder for holder in holders]
    except Exception:
        _health.count("pool_not_succeeded")


def begin(pool: int, life: Any, *, end_is_unseen: bool = False) -> Token:
    """The token of a connection that is about to be made. `life`: what it ends with, and is not lost then."""
    return _engine.pool_connect(pool, life, end_is_unseen) if pool else None


def made(token: Token, function: Callable[..., _T], /, *arguments: Any, **named: Any) -> _T:
    """Call what makes a connection: its memory is the connection's."""
    if token is None:
        return function(*arguments, **named)
    try:
        connection = _engine.run_with(token, function, *arguments, **named)
    except BaseException:
        close(token)
        raise
    _engine.pool_connected(token)
    return connection  # type: ignore[no-any-return]


async def made_async(token: Token, function: Callable[..., Awaitable[_T]], /, *arguments: Any, **named: Any) -> _T:
    """The same for what has to be awaited."""
    if token is None:
        return await function(*arguments, **named)
    _engine.enter(token)
    try:
        connection = await function(*arguments, **named)
    except BaseException:
        _engine.restore(token)
        close(token)
        raise
    _engine.restore(token)
    _engine.pool_connected(token)
    return connection


def keep(connection: Any, token: Token) -> None:
    """Keep a token on what stands for its connection."""
    if token is not None:
        try:
            setattr(connection, TOKEN, token)
        except Exception:
            _health.count("pool_token_not_kept")
            close(token)


def token_of(connection: Any) -> Token:
    """The token that is kept there, if any."""
    try:
        token: Token = connection.__dict__.get(TOKEN)
        return token
    except AttributeError:
        return None


def take(connection: Any) -> Token:
    """The same, which is no longer kept then."""
    try:
        token: Token = vars(connection).pop(TOKEN, None)
        return token
    except TypeError:
        return None


class Waiting:
    """Somebody asks a pool for a connection: counted as waiting where `queued`, and for how long it took."""

    __slots__ = ("_began_ns", "_pool", "_queued")

    def __init__(self, pool: int, queued: bool) -> None:
        self._pool = pool
        self._queued = queued and pool != 0
        if self._queued:
            _engine.pool_waiting(pool, 1)
        self._began_ns = now_ns()

    def over(self) -> int:
        """How long it took, in ns."""
        took_ns = now_ns() - self._began_ns
        if self._queued:
            self._queued = False
            _engine.pool_waiting(self._pool, -1)
        return took_ns
