"""SQLAlchemy's pools, synchronous and asyncio: both go through the same connection records."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

from heapledger import _engine, _health
from heapledger.adapters._patching import wrap
from heapledger.pools import _seam
from heapledger.pools._seam import Description

_CONNECT_NS = "_heapledger_connect_ns"
_names: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()  # by creator


def install_pools(module: Any) -> None:
    """sqlalchemy.pool.base."""
    record = module._ConnectionRecord
    wrap(module.Pool, "_should_wrap_creator", _creating)
    wrap(record, "checkin", _checking_in)
    wrap(record, "invalidate", _invalidating)
    wrap(record, "_ConnectionRecord__connect", _timing)
    wrap(record, "_ConnectionRecord__close", _closing)
    wrap(module._ConnectionFairy, "detach", _detaching)
    checkout = vars(record)["checkout"]
    if isinstance(checkout, classmethod) and not hasattr(checkout.__func__, "__heapledger__"):
        record.checkout = classmethod(_checking_out(checkout.__func__))


def install_engine(module: Any) -> None:
    """sqlalchemy.engine.base: an engine knows what its pool leads to."""

    def make(original: Callable[..., None]) -> Callable[..., None]:
        def init(self: Any, pool: Any, dialect: Any, url: Any, *args: Any, **kwargs: Any) -> None:
            original(self, pool, dialect, url, *args, **kwargs)
            try:
                where = f"{url.host}{f':{url.port}' if url.port else ''}" if url.host else ""
                _names[pool._creator] = f"{url.drivername}://{where}/{url.database or ''}"
            except Exception:
                _health.count("sqlalchemy_url_unread")

        return init

    wrap(module.Engine, "__init__", make)
    wrap(module.Engine, "dispose", _disposing)


def _disposing(original: Callable[..., None]) -> Callable[..., None]:
    """It goes on with a new pool, also in a worker that leaves what it inherited to its parent."""

    def dispose(self: Any, *args: Any, **kwargs: Any) -> None:
        old = self.pool
        original(self, *args, **kwargs)
        _seam.succeed(old, self.pool)

    return dispose


def _describe(pool: Any) -> Description:
    size = getattr(getattr(pool, "_pool", None), "maxsize", None)
    overflow = getattr(pool, "_max_overflow", None)
    recycle = pool._recycle if pool._recycle >= 0 else None
    settings: dict[str, Any] = {"poolclass": type(pool).__name__}
    if isinstance(size, int):
        settings |= {"pool_size": size, "max_overflow": overflow, "pool_timeout": pool._timeout}
    settings |= {"pool_recycle": pool._recycle, "pool_pre_ping": bool(pool._pre_ping)}
    limited = isinstance(size, int) and size > 0 and isinstance(overflow, int) and overflow >= 0
    return Description(
        "SQLAlchemy",
        getattr(pool, "_orig_logging_name", None) or _names.get(pool._creator) or type(pool).__name__,
        settings,
        max_size=size if limited else None,
        max_overflow=overflow if limited else None,
        timeout=getattr(pool, "_timeout", None),
        recycle=recycle,
    )


def _creating(original: Callable[..., Any]) -> Callable[..., Any]:
    def _should_wrap_creator(self: Any, creator: Any) -> Any:
        invoke = original(self, creator)
        pool_ref = weakref.ref(self)

        def connect(record: Any) -> Any:
            pool = pool_ref()
            token = _seam.begin(_seam.pool_id(pool, _describe), pool) if pool is not None else None
            made = _seam.made(token, invoke, record)
            _seam.keep(record, token)
            return made

        return connect

    return _should_wrap_creator


def _timing(original: Callable[..., Any]) -> Callable[..., Any]:
    """With what the dialect reads on its first connection: that is no waiting either."""

    def connect(self: Any) -> Any:
        began_ns = _seam.now_ns()
        try:
            return original(self)
        finally:
            vars(self)[_CONNECT_NS] = _seam.now_ns() - began_ns

    return connect


def _queue(pool: Any) -> int:
    """Who asks now has to wait: the id of the pool, where it counts as waiting. 0: there is one to have, or to make."""
    try:
        exhausted = pool._overflow >= pool._max_overflow > -1 and pool._pool.empty()
    except AttributeError:
        return 0  # of a class that has no limit
    return _seam.queue(pool, _describe) if exhausted else 0


def _failed(pool: Any, queued: int, took_ns: int, error: BaseException) -> None:
    if queued:
        _seam.waited(queued)
    if type(error).__name__ == "TimeoutError":
        _seam.timed_out(pool, _describe, took_ns)


def _served(pool: Any, fairy: Any, queued: int, took_ns: int) -> None:
    """It took so long to get it, with the time in which it connected."""
    if queued:
        _seam.waited(queued)
    try:
        record = fairy._connection_record.__dict__
        if _CONNECT_NS in record:
            took_ns = max(0, took_ns - record.pop(_CONNECT_NS))
        if pool._dialect.is_async:
            _engine.pool_checkout(record.get(_seam.TOKEN), took_ns, _frame_that_waits())
        else:
            _engine.pool_checkout(record.get(_seam.TOKEN), took_ns)
    except AttributeError:
        _health.count("sqlalchemy_connection_unread")


def _frame_that_waits() -> Any:
    """SQLAlchemy's asyncio runs in a greenlet: who called it waits in that one's parent."""
    try:
        parent = sys.modules["greenlet"].getcurrent().parent
        return None if parent is None else parent.gr_frame
    except Exception:
        _health.count("sqlalchemy_greenlet_unread")
        return None


def _checking_out(original: Callable[..., Any]) -> Callable[..., Any]:
    now_ns = _seam.now_ns

    def checkout(cls: Any, pool: Any) -> Any:
        queued = _queue(pool)
        began_ns = now_ns()
        try:
            fairy = original(cls, pool)
        except BaseException as error:
            _failed(pool, queued, now_ns() - began_ns, error)
            raise
        _served(pool, fairy, queued, now_ns() - began_ns)
        return fairy

    checkout.__heapledger__ = True  # type: ignore[attr-defined]
    checkout.__doc__ = original.__doc__
    return checkout


def _checking_in(original: Callable[..., Any]) -> Callable[..., Any]:
    pool_checkin, token = _engine.pool_checkin, _seam.TOKEN

    def checkin(self: Any, *args: Any, **kwargs: Any) -> Any:
        pool_checkin(self.__dict__.get(token))
        return original(self, *args, **kwargs)

    return checkin


def _invalidating(original: Callable[..., Any]) -> Callable[..., Any]:
    def invalidate(self: Any, *args: Any, **kwargs: Any) -> Any:
        _engine.pool_invalidate(vars(self).get(_seam.TOKEN))
        return original(self, *args, **kwargs)

    return invalidate


def _closing(original: Callable[..., Any]) -> Callable[..., Any]:
    def close(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        finally:
            _engine.pool_close(vars(self).pop(_seam.TOKEN, None))

    return close


def _detaching(original: Callable[..., Any]) -> Callable[..., Any]:
    def detach(self: Any) -> Any:
        record = self._connection_record
        token = _seam.take(record) if record is not None else None
        try:
            return original(self)
        finally:
            _engine.pool_detach(token)

    return detach
