"""Django's database connections: one a thread and alias, taken by a request's first query, kept for CONN_MAX_AGE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heapledger import _engine, _health
from heapledger.adapters._patching import wrap
from heapledger.pools import _seam
from heapledger.pools._seam import Description

_TAKEN = "_heapledger_taken"


def install(module: Any) -> None:
    """django.db.backends.base.base."""
    wrapper = module.BaseDatabaseWrapper
    wrap(wrapper, "connect", _connecting)
    wrap(wrapper, "ensure_connection", _taking)
    wrap(wrapper, "close_if_unusable_or_obsolete", _giving_back)
    wrap(wrapper, "close", _closing)


class _Alias:
    """What all threads' connections of one alias are to us: a pool."""


_aliases: dict[str, _Alias] = {}


def _number(wrapper: Any) -> int:
    """The id of its pool. 0: none, or psycopg_pool's, which is watched as such."""
    try:
        settings = wrapper.settings_dict
        if (settings.get("OPTIONS") or {}).get("pool"):
            return 0
        alias = _aliases.setdefault(str(wrapper.alias), _Alias())
        return _seam.pool_id(alias, lambda _: _describe(wrapper))
    except Exception:
        _health.count("django_connection_unread")
        return 0


def _describe(wrapper: Any) -> Description:
    names = ("ENGINE", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS")
    settings = {name: wrapper.settings_dict.get(name) for name in names}
    age = settings["CONN_MAX_AGE"]
    return Description("Django", str(wrapper.alias), settings, recycle=age if isinstance(age, int | float) else None)


def _connecting(original: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: Any) -> Any:
        _end(self)
        token = _seam.begin(_number(self), self)  # a thread that ends takes its connections along
        result = _seam.made(token, original, self)
        _seam.keep(self, token)
        return result

    return connect


def _taking(original: Callable[..., Any]) -> Callable[..., Any]:
    def ensure_connection(self: Any) -> Any:
        result = original(self)
        kept = vars(self)
        if _TAKEN not in kept and _seam.TOKEN in kept:
            kept[_TAKEN] = True
            _engine.pool_checkout(kept[_seam.TOKEN], -1)
        return result

    return ensure_connection


def _giving_back(original: Callable[..., Any]) -> Callable[..., Any]:
    def close_if_unusable_or_obsolete(self: Any) -> Any:
        kept = vars(self)
        if _TAKEN in kept:
            _engine.pool_checkin(kept.get(_seam.TOKEN))
        kept[_TAKEN] = True  # what Django asks of it here takes it for nobody
        try:
            return original(self)
        finally:
            kept.pop(_TAKEN, None)

    return close_if_unusable_or_obsolete


def _end(wrapper: Any) -> None:
    if getattr(wrapper, "connection", None) is None:
        vars(wrapper).pop(_TAKEN, None)
        _engine.pool_close(vars(wrapper).pop(_seam.TOKEN, None))


def _closing(original: Callable[..., Any]) -> Callable[..., Any]:
    def close(self: Any) -> Any:
        try:
            return original(self)
        finally:
            _end(self)

    return close
