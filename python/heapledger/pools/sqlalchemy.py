"""SQLAlchemy's pools, synchronous and asyncio: both go through the same connection records."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

from heapledger import _engine, _health
from heapledger.adapters._patching import wrap
from heapledger.pools import _seam
from heapledger.pools._seam import Description, Waiting

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


def _is_exhausted(pool: Any) -> bool:
    try:
        return bool(pool._overflow >= pool._max_overflow > -1 and pool._pool.empty())
    except AttributeError:
        return False


def _frame_that_waits(pool: Any) -> Any:
    """SQLAlchemy's asyncio runs in a greenlet: who called it waits in that one's parent."""
    try:
        if not pool._dialect.is_async:
            return None
        parent = sys.modules["greenlet"].getcurrent().parent
        return None if parent is None else parent.gr_frame
    except Exception:
        _health.count("sqlalchemy_greenlet_unread")
        return None


def _checking_out(original: Callable[..., Any]) -> Callable[..., Any]:
    def checkout(cls: Any, pool: Any) -> Any:
        number = _seam.pool_id(pool, _describe)
        waiting = Waiting(number, _is_exhausted(pool))
        try:
            fairy = original(cls, pool)
        except BaseException as error:
            took_ns = waiting.over()
            if type(error).__name__ == "TimeoutError":
                _engine.pool_timeout(number, took_ns)
            raise
        took_ns = waiting.over()
        record = vars(fairy._connection_record) if fairy._connection_record is not None else {}
        wait_ns = max(0, took_ns - record.pop(_CONNECT_NS, 0))
        _engine.pool_checkout(record.get(_seam.TOKEN), wait_ns, _frame_that_waits(pool))
        return fairy

    checkout.__heapledger__ = True  # type: ignore[attr-defined]
    checkout.__doc__ = original.__doc__
    return checkout


def _checking_in(original: Callable[..., Any]) -> Callable[..., Any]:
    def checkin(self: Any, *args: Any, **kwargs: Any) -> Any:
        _engine.pool_checkin(vars(self).get(_seam.TOKEN))
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
