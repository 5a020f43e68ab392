"""Fifty endpoints that do not leak: caches of many kinds that fill and evict, sessions, cycles, queues, warm-ups."""

from __future__ import annotations

import heapq
import json
import logging
import random
import re
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import cache, lru_cache

Kind = Callable[[], object]
_lock = threading.Lock()
_log = logging.getLogger("fifty")
_log.addHandler(logging.NullHandler())


class _Node:
    """An object that a cycle can be made of."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.other: _Node | None = None


def _lru(entries: int, entry_bytes: int) -> Kind:
    numbers = iter(range(10**9))

    @lru_cache(maxsize=entries)
    def entry(key: int) -> bytearray:
        return bytearray(entry_bytes)

    return lambda: len(entry(next(numbers)))


def _lru_skewed(entries: int, entry_bytes: int) -> Kind:
    """Some keys come again and again."""
    keys = random.Random(entries)

    @lru_cache(maxsize=entries)
    def entry(key: int) -> bytearray:
        return bytearray(entry_bytes)

    return lambda: len(entry(int(keys.paretovariate(0.7))))


def _random_eviction(entries: int, entry_bytes: int) -> Kind:
    held: dict[int, bytearray] = {}
    numbers = iter(range(10**9))
    chance = random.Random(entries)

    def kind() -> int:
        with _lock:
            held[next(numbers)] = bytearray(entry_bytes)
            if len(held) > entries:
                del held[chance.choice(list(held))]
        return len(held)

    return kind


def _time_to_live(requests: int, entry_bytes: int) -> Kind:
    """Entries go when they are so many requests old."""
    held: deque[tuple[int, bytearray]] = deque()
    numbers = iter(range(10**9))

    def kind() -> int:
        with _lock:
            now = next(numbers)
            held.append((now, bytearray(entry_bytes)))
            while held and held[0][0] < now - requests:
                held.popleft()
        return len(held)

    return kind


def _sessions(users: int, entry_bytes: int) -> Kind:
    """Each user's session is replaced by a new one."""
    held: dict[int, dict[str, object]] = {}
    chance = random.Random(users)

    def kind() -> int:
        user = chance.randrange(users)
        held[user] = {"user": user, "data": bytes(chance.randrange(entry_bytes // 2, entry_bytes)), "cart": [1, 2, 3]}
        return len(held)

    return kind


def _finite_keys(keys: int, entry_bytes: int) -> Kind:
    held: dict[int, bytearray] = {}
    chance = random.Random(keys)

    def kind() -> int:
        key = chance.randrange(keys)
        if key not in held:
            held[key] = bytearray(entry_bytes)
        return len(held)

    return kind


def _recent(entries: int, entry_bytes: int) -> Kind:
    held: deque[bytes] = deque(maxlen=entries)
    return lambda: held.append(bytes(entry_bytes))


def _ordered(entries: int, entry_bytes: int) -> Kind:
    """The least recently used goes, by hand."""
    held: OrderedDict[int, list[bytes]] = OrderedDict()
    chance = random.Random(entries)

    def kind() -> int:
        with _lock:
            key = chance.randrange(entries * 3)
            if key in held:
                held.move_to_end(key)
            else:
                held[key] = [bytes(entry_bytes // 4) for _ in range(4)]
            if len(held) > entries:
                held.popitem(last=False)
        return len(held)

    return kind


def _cycles(nodes: int, node_bytes: int) -> Kind:
    """Garbage that waits for the collector."""

    def kind() -> int:
        made = [_Node(bytes(node_bytes)) for _ in range(nodes)]
        for one, other in zip(made, made[1:] + made[:1], strict=True):
            one.other = other
        return len(made)

    return kind


def _weakly(entries: int, entry_bytes: int) -> Kind:
    known: weakref.WeakValueDictionary[int, _Node] = weakref.WeakValueDictionary()
    strong: deque[_Node] = deque(maxlen=entries)
    numbers = iter(range(10**9))

    def kind() -> int:
        node = _Node(bytes(entry_bytes))
        with _lock:
            known[next(numbers)] = node
            strong.append(node)
        return len(strong)

    return kind


def _warm(tables: int, table_bytes: int) -> Kind:
    @cache
    def table() -> list[bytes]:
        return [bytes(table_bytes) for _ in range(tables)]

    return lambda: len(table())


def _per_thread(entries: int, entry_bytes: int) -> Kind:
    local = threading.local()

    def kind() -> int:
        held: deque[bytes] = local.__dict__.setdefault("held", deque(maxlen=entries))
        held.append(bytes(entry_bytes))
        return len(held)

    return kind


def _top(entries: int, entry_bytes: int) -> Kind:
    """The best of all so far: new ones get rarer."""
    held: list[tuple[float, int, bytes]] = []
    chance = random.Random(entries)
    numbers = iter(range(10**9))

    def kind() -> int:
        with _lock:
            item = (chance.random(), next(numbers), bytes(entry_bytes))
            if len(held) < entries:
                heapq.heappush(held, item)
            else:
                heapq.heappushpop(held, item)
        return len(held)

    return kind


def _document(items: int, text_bytes: int) -> Kind:
    def kind() -> int:
        text = json.dumps([{"id": i, "name": "n" * text_bytes} for i in range(items)])
        return len(json.loads(text))

    return kind


def _failing(depth: int, held_bytes: int) -> Kind:
    """A traceback that holds its frames."""

    def fail(left: int) -> None:
        held = bytes(held_bytes)
        if left == 0:
            raise ValueError(len(held))
        fail(left - 1)

    def kind() -> str:
        try:
            fail(depth)
        except ValueError as error:
            _log.warning("failed", exc_info=error)
            return str(error)
        return ""

    return kind


def _patterns(patterns: int, length: int) -> Kind:
    """The interpreter's own cache of compiled patterns evicts."""
    numbers = iter(range(10**9))
    return lambda: re.compile(f"a{{{next(numbers) % patterns}}}{'b' * length}").match("ab")


def _generators(items: int, item_bytes: int) -> Kind:
    return lambda: sum(len(part) for part in (bytes(item_bytes) for _ in range(items)))


FAMILIES: dict[str, tuple[Callable[[int, int], Kind], list[tuple[int, int]]]] = {
    "lru": (_lru, [(20, 16384), (100, 2048), (500, 512), (1000, 4096)]),
    "lru-skewed": (_lru_skewed, [(50, 4096), (300, 1024), (1000, 256)]),
    "random-eviction": (_random_eviction, [(30, 8192), (200, 1024), (600, 2048)]),
    "time-to-live": (_time_to_live, [(50, 4096), (400, 1024), (1500, 512)]),
    "sessions": (_sessions, [(40, 8192), (300, 2048), (1000, 1024)]),
    "finite-keys": (_finite_keys, [(200, 4096), (1000, 2048), (4000, 512), (7000, 1024)]),
    "recent": (_recent, [(10, 65536), (100, 4096), (1000, 256)]),
    "ordered": (_ordered, [(30, 4096), (200, 2048), (800, 512)]),
    "cycles": (_cycles, [(2, 2048), (10, 256), (40, 64)]),
    "weakly": (_weakly, [(20, 8192), (300, 512), (1000, 1024)]),
    "warm": (_warm, [(10, 65536), (500, 1024), (5000, 48)]),
    "per-thread": (_per_thread, [(5, 32768), (50, 2048), (200, 256)]),
    "top": (_top, [(20, 8192), (200, 1024), (1000, 512)]),
    "document": (_document, [(5, 100), (50, 200), (200, 20)]),
    "failing": (_failing, [(3, 1024), (20, 256)]),
    "patterns": (_patterns, [(700, 3), (2000, 1)]),
    "generators": (_generators, [(10, 4096), (200, 64)]),
}
KINDS = {
    f"{family}-{one}-{other}": build(one, other)
    for family, (build, sizes) in FAMILIES.items()
    for one, other in sizes
}  # fmt: skip
