"""Hand the autoload's variables on to children that are a Python which can take part, and to nobody else.

The environment of this process is clean: our folder is off PYTHONPATH, HEAPLEDGER_* are gone. They are put back into
the environment of a child at the moment it is started, by whichever way: subprocess and multiprocessing through
`_posixsubprocess.fork_exec`, `os.posix_spawn`, the `os.exec` family (re-exec of gunicorn, reloaders).
Whatever fails here leaves the call as it was.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]

_OLDEST, _NEWEST = 10, 15
_entries: dict[bytes, bytes] = {}  # variable -> the entry of ours in front of its list
_variables: dict[bytes, bytes] = {}


def install(folder: str, variables: Mapping[str, str]) -> None:
    """Remember what to hand on and stand where children are started."""
    _entries[b"PYTHONPATH"] = os.fsencode(folder)
    preload = variables.get("HEAPLEDGER_PRELOAD")
    if preload:
        _entries[b"LD_PRELOAD"] = os.fsencode(preload)
    _variables.update((os.fsencode(name), os.fsencode(value)) for name, value in variables.items())
    _stand_before_fork_exec()
    for name in ("posix_spawn", "posix_spawnp"):
        if hasattr(os, name):
            setattr(os, name, _spawning(getattr(os, name)))
    os.execv = _replacing_without_environment(os.execv, os.execve)
    os.execve = _replacing(os.execve)


def _stand_before_fork_exec() -> None:
    import _posixsubprocess

    original = _posixsubprocess.fork_exec

    def fork_exec(*args: Any) -> int:
        try:
            arguments, executables, environment, folder = args[0], args[1], args[5], args[4]
            there = _first_there(executables, folder)
            if _takes_part(there) and _loads_site(arguments) and not _is_resource_tracker(arguments):
                before_exec = next((index for index, value in enumerate(args) if callable(value)), None)
                if environment is not None or before_exec is None:
                    entries = _environment_of_this_process() if environment is None else environment
                    args = (*args[:5], _entries_handed_on(entries), *args[6:])
                else:  # it may still change the environment that the child inherits
                    args = (*args[:before_exec], _putting_ours(args[before_exec]), *args[before_exec + 1 :])
        except Exception:
            pass
        return original(*args)

    _posixsubprocess.fork_exec = fork_exec
    subprocess = sys.modules.get("subprocess")
    if getattr(subprocess, "_fork_exec", None) is original:
        subprocess._fork_exec = fork_exec  # type: ignore[union-attr]


def _putting_ours(before_exec: Callable[[], object]) -> Callable[[], None]:
    """A preexec_fn that also hands on our variables: it runs in the child, whose environment is a copy."""

    def putting_ours() -> None:
        before_exec()
        try:
            before = _pairs(_environment_of_this_process())
            for name, value in handed_on(before).items():
                if before.get(name) != value:
                    os.putenv(name, value)
        except Exception:
            pass

    return putting_ours


def _spawning(original: Callable[..., int]) -> Callable[..., int]:
    def posix_spawn(path: Path, argv: Sequence[Any], env: Any, /, *args: Any, **kwargs: Any) -> int:
        try:
            if _takes_part(_found(path)) and _loads_site(argv):
                env = handed_on(_pairs(_environment_of_this_process()) if env is None else _encoded(env))
        except Exception:
            pass
        return original(path, argv, env, *args, **kwargs)

    return posix_spawn


def _replacing(original: Callable[..., Any]) -> Callable[..., Any]:
    def execve(path: Any, argv: Any, env: Any) -> Any:
        try:
            if _takes_part(path) and _loads_site(argv):
                env = handed_on(_encoded(env))
        except Exception:
            pass
        return original(path, argv, env)

    return execve


def _replacing_without_environment(execv: Callable[..., Any], execve: Callable[..., Any]) -> Callable[..., Any]:
    def replacement(path: Any, argv: Any, /) -> Any:
        environment = None
        try:
            if _takes_part(path) and _loads_site(argv):
                environment = handed_on(_pairs(_environment_of_this_process()))
        except Exception:
            pass
        return execv(path, argv) if environment is None else execve(path, argv, environment)

    return replacement


def handed_on(environment: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """A child's environment with our entries and variables in it."""
    environment = {**environment, **_variables}
    for name, ours in _entries.items():
        if name == b"LD_PRELOAD" and not _may_read(ours):
            continue
        separator = b":" if name == b"PYTHONPATH" or b" " not in environment.get(name, b"") else b" "
        theirs = environment.get(name)
        if theirs is None or theirs == b"":
            environment[name] = ours
        elif not theirs.startswith(ours):
            environment[name] = ours + separator + theirs
    return environment


def _may_read(libraries: bytes) -> bool:
    """Whoever may not read them is told so by the dynamic linker, on the child's stderr."""
    return all(os.access(library, os.R_OK) for library in libraries.split(b":"))


def _entries_handed_on(entries: Sequence[bytes]) -> list[bytes]:
    """The same entries in the same order, ours changed or added."""
    before = _pairs(entries)
    changed = {name: value for name, value in handed_on(before).items() if before.get(name) != value}
    kept = [entry for entry in entries if entry.partition(b"=")[0] not in changed]
    return kept + [name + b"=" + value for name, value in changed.items()]


def _environment_of_this_process() -> list[bytes]:
    """What a child would inherit, which is more than os.environ knows of; that where the engine is not there."""
    engine = sys.modules.get("heapledger._engine")
    if engine is not None:
        entries: list[bytes] = engine.environment()
        return entries
    return [name + b"=" + value for name, value in _encoded(os.environ).items()]


def _encoded(environment: Mapping[Any, Any]) -> dict[bytes, bytes]:
    return {os.fsencode(name): os.fsencode(value) for name, value in environment.items()}


def _pairs(environment: Sequence[bytes]) -> dict[bytes, bytes]:
    """By name; of a name that is there twice the first, as getenv() takes it."""
    pairs = (item.partition(b"=") for item in reversed(environment))
    return {name: value for name, equals, value in pairs if equals}


def _is_resource_tracker(arguments: Sequence[Any]) -> bool:
    """multiprocessing's: it runs none of the service's code and would be one more process in the recording."""
    return any(b"multiprocessing.resource_tracker" in os.fsencode(argument) for argument in arguments)


def _loads_site(arguments: Sequence[Any]) -> bool:
    """Not with -I, -E or -S: such a Python never meets our folder, and would hand all of it on to its own children."""
    encoded = [os.fsencode(argument) for argument in arguments]
    if not encoded or not os.path.basename(encoded[0]).startswith(b"python"):
        return True  # a script: the flags are its own
    words = iter(encoded[1:])
    for word in words:
        if len(word) < 2 or not word.startswith(b"-") or word.startswith(b"--"):
            return True
        for at in range(1, len(word)):
            letter = word[at : at + 1]
            if letter in (b"I", b"E", b"S"):
                return False
            if letter in (b"c", b"m"):
                return True
            if letter in (b"W", b"X"):
                if at + 1 == len(word):
                    next(words, None)
                break
    return True


def _first_there(executables: Sequence[Any], folder: Any) -> Any:
    for executable in executables:
        path = os.path.join(os.fsencode(folder), os.fsencode(executable)) if folder else os.fsencode(executable)
        if os.path.isfile(path):
            return path
    return b""


def _found(name: Any) -> bytes:
    encoded = os.fsencode(name)
    if b"/" in encoded:
        return encoded
    return bytes(_first_there([os.path.join(os.fsencode(p), encoded) for p in os.get_exec_path()], None))


def _takes_part(path: Any, depth: int = 0) -> bool:
    """Whether running this file runs a Python that heapledger supports, as far as can be told from outside."""
    if isinstance(path, int) or not path:
        return False
    encoded = os.fsencode(path)
    if os.path.basename(encoded) == b"heapledger":
        return True  # a nested `heapledger run` has to know that it is nested
    real = os.path.realpath(encoded)
    with open(real, "rb") as file:
        head = file.read(256)
    if head.startswith(b"#!"):
        return depth < 2 and _takes_part(_interpreter(head), depth + 1)
    return _is_supported_name(os.path.basename(real), encoded)


def _interpreter(head: bytes) -> bytes:
    words = head[2:].partition(b"\n")[0].split()
    if words and os.path.basename(words[0]) == b"env":
        words = [word for word in words[1:] if not word.startswith(b"-") and b"=" not in word]
        return _found(words[0]) if words else b""
    return words[0] if words else b""


def _is_supported_name(name: bytes, path: bytes) -> bool:
    if name in (b"python", b"python3"):
        return _is_supported_version(_version_of_environment(path))
    major, dot, minor = name.removeprefix(b"python").partition(b".")
    return name.startswith(b"python") and major == b"3" and dot == b"." and _is_supported_version(minor)


def _is_supported_version(minor: bytes) -> bool:
    return minor == b"" or (minor.isdigit() and _OLDEST <= int(minor) <= _NEWEST)


def _version_of_environment(path: bytes) -> bytes:
    """The minor version that a virtual environment's own copy of Python says, or b"" when nothing does."""
    if sys.executable and os.path.samefile(path, sys.executable):
        return b"%d" % sys.version_info[1]
    try:
        with open(os.path.join(os.path.dirname(path), b"..", b"pyvenv.cfg"), "rb") as file:
            for line in file:
                key, _, value = line.partition(b"=")
                if key.strip() in (b"version", b"version_info"):
                    parts = value.strip().split(b".")
                    return parts[1] if parts[0] == b"3" and len(parts) > 1 else b"0"
    except OSError:
        pass
    return b""
