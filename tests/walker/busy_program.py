"""Generators, coroutines, exceptions, classes and dying code, with the stack read at every allocation."""
# ruff: noqa: B018, C408, C416, RUF012 - whatever allocates is welcome

import asyncio
import gc
import json
import sys
import threading
import weakref

sys.path.insert(0, sys.argv[1])
import stack_probe


class Boom(Exception):
    def __init__(self, *values):
        super().__init__(*values)
        self.kept = {"values": list(values)}


class Node:
    def __init__(self, number, **more):
        self.__dict__.update(more)
        self.cell = lambda: number

    def __del__(self):
        [object() for _ in range(3)]


class Holder:
    def __del__(self):
        [dict(a=1) for _ in range(3)]


def numbers(count):
    try:
        for i in range(count):
            yield [str(i)] * 3
    finally:
        [x for x in range(3)]


def tree(depth):
    return {depth: tree(depth - 1)} if depth else Node(depth, a=1)


def endless():
    return [endless()]


def exceptions(count):
    for i in range(count):
        try:
            try:
                int("x" * 10)
            except ValueError as error:
                raise Boom(i) from error
        except Boom as error:
            str(error)
            error.__traceback__.tb_frame.f_locals


def classes(count):
    for i in range(count):

        class Kind(Node):
            members = [i for _ in range(3)]

            @property
            def outer(self):
                return super().__init__

        Kind(i, more=2).outer


def dying_code(ending):
    # The frame holds the last reference to code whose destruction runs Python.
    scope = {}
    exec("def f(*_):\n  global f\n  del f\n  x = [1] * 50\n  " + ending, scope)
    function = scope["f"]
    code = function.__code__.replace(co_consts=(*function.__code__.co_consts, Holder()), co_filename=f"x{id(scope)}")
    function.__code__ = code
    gone = weakref.ref(code, lambda _: [bytearray(10) for _ in range(5)])
    del code, function
    try:
        eval("list(f() or ())", scope)
    except ZeroDivisionError:
        pass
    return gone


def work():
    for _ in range(8):
        list(numbers(30))
        left = numbers(5)
        next(left)
        del left
        tree(50), exceptions(40), classes(4)
        sorted(range(50), key=lambda x: [x])
        exec("def f(*a, **k):\n  x = [i for i in a]\n  def h(): return x, k\n  return h()\nf(1, 2, z=3)", {})
        for ending in ("return [1]", "yield [1]", "1 / 0"):
            dying_code(ending)
        gc.collect()


async def items(count):
    for i in range(count):
        await asyncio.sleep(0)
        yield i


async def task(count):
    out = [i async for i in items(count)]
    raise Boom(out)


async def tasks():
    for _ in range(10):
        await asyncio.gather(*(task(4) for _ in range(10)), return_exceptions=True)


stack_probe.watch()
work()
asyncio.run(tasks())
try:
    endless()
except RecursionError:
    pass
threads = [threading.Thread(target=work) for _ in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps(stack_probe.watched()))
