"""Arrays out of a file that `torch.save` wrote before version 1.6, without torch and without unpickling anything.

Such a file is five pickles (a magic number, a version, facts of the machine, the object, the keys of its storages) and
then the storages: for each its length and its raw numbers. A pickle is a program; this is an interpreter for the small
part of that language which a dictionary of tensors needs. It calls nothing: the only names it takes are the three in
`_NAMES`, and they stand for records of what would have been built. Everything else ends in an error.
"""

from __future__ import annotations

import math
import pickletools
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from ...errors import EngineError

_MAGIC: Final = 0x1950A86A20F9469CFC6C  # of torch's own, first in the file
_NAMES: Final = frozenset({"collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch FloatStorage"})
_MOST_OPCODES: Final = 100_000

Value: TypeAlias = object


class _Mark:
    """Where a run of items begins on the stack."""


@dataclass(frozen=True, slots=True)
class _Name:
    """One of `_NAMES`."""

    text: str


@dataclass(frozen=True, slots=True)
class _Storage:
    """Numbers that stand behind the pickles."""

    key: str


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]


def read(path: Path, part: str) -> dict[str, npt.NDArray[np.float32]]:
    """Read the tensors of one dictionary in the file, such as `model_state`.

    Raises:
        EngineError: The file is of another format, holds anything but such dictionaries, or breaks off.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        try:
            magic, _, _, saved, keys = (_Interpreter().run(file) for _ in range(5))
            if magic != _MAGIC or not isinstance(saved, dict) or not isinstance(keys, list):
                raise _Unknown("no checkpoint of that format")
            tensors = saved.get(part)
            if not isinstance(tensors, dict):
                raise _Unknown(f"no {part!r} in it")
            storages = dict(_storages(file, keys))
            return {str(name): _array(value, storages) for name, value in tensors.items()}
        except (_Unknown, ValueError, IndexError, KeyError, TypeError, struct.error) as error:
            raise EngineError(f"{path.name} cannot be read as a checkpoint of torch: {error}") from None


class _Unknown(Exception):
    """The file holds what this reader does not know."""


def _storages(file: BinaryIO, keys: list[Value]) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    for key in keys:
        (length,) = struct.unpack("<q", file.read(8))
        if not 0 <= length <= 2**24:
            raise _Unknown("a storage of that length")
        data = file.read(4 * length)
        if len(data) != 4 * length:
            raise _Unknown("it breaks off")
        yield str(key), np.frombuffer(data, "<f4")


def _array(value: Value, storages: dict[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    if not isinstance(value, _Tensor):
        raise _Unknown("something else among the tensors")
    numbers = storages[value.storage.key]
    end = value.offset + math.prod(value.shape)
    if not 0 <= value.offset <= end <= len(numbers):
        raise _Unknown("a tensor beyond its storage")
    return numbers[value.offset : end].reshape(value.shape)


class _Interpreter:
    """Runs one pickle."""

    def __init__(self) -> None:
        self._stack: list[Value] = []
        self._memo: dict[int, Value] = {}

    def run(self, file: BinaryIO) -> Value:
        """Read up to and with the end of the next pickle; returns what it stands for."""
        for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
            if count > _MOST_OPCODES:
                raise _Unknown("a pickle of that length")
            if opcode.name == "STOP":
                return self._stack.pop()
            self._step(opcode.name, argument)
        raise _Unknown("it breaks off")

    def _step(self, name: str, argument: Value) -> None:
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name]())
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[_int(argument)] = self._stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            self._stack.append(self._memo[_int(argument)])
        elif name == "GLOBAL":
            self._stack.append(_known(argument))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            self._stack.append(tuple(self._take(int(name[-1]))))
        elif name == "TUPLE":
            self._stack.append(tuple(self._since_mark()))
        elif name in ("SETITEM", "SETITEMS"):
            items = self._take(2) if name == "SETITEM" else self._since_mark()
            target = self._stack[-1]
            if not isinstance(target, dict):
                raise _Unknown("items of no dictionary")
            target.update(zip(items[::2], items[1::2], strict=True))
        elif name in ("APPEND", "APPENDS"):
            items = self._take(1) if name == "APPEND" else self._since_mark()
            target = self._stack[-1]
            if not isinstance(target, list):
                raise _Unknown("items of no list")
            target.extend(items)
        elif name == "REDUCE":
            called, arguments = self._take(2)
            self._stack.append(_built(called, arguments))
        elif name == "BUILD":  # attributes of a dictionary, such as its version: of no use here
            self._take(1)
        elif name == "BINPERSID":
            self._stack.append(_storage(self._stack.pop()))
        elif name != "PROTO":
            raise _Unknown(f"opcode {name}")

    def _take(self, count: int) -> list[Value]:
        if len(self._stack) < count:
            raise _Unknown("an empty stack")
        taken = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return taken

    def _since_mark(self) -> list[Value]:
        at = max(index for index, value in enumerate(self._stack) if isinstance(value, _Mark))
        return self._take(len(self._stack) - at)[1:]


_LITERALS: Final = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"})
_CONSTANTS: Final[dict[str, Callable[[], Value]]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "MARK": _Mark,
}


def _int(value: Value) -> int:
    if not isinstance(value, int):
        raise _Unknown("no number where one belongs")
    return value


def _known(name: Value) -> _Name:
    if name not in _NAMES:
        raise _Unknown(f"the name {name}")
    return _Name(str(name))


def _built(called: Value, arguments: Value) -> Value:
    """What calling one of the known names would make."""
    match called, arguments:
        case _Name("collections OrderedDict"), ():
            return {}
        case _Name("torch._utils _rebuild_tensor_v2"), (_Storage() as storage, offset, tuple() as shape, strides, *_):
            sizes = tuple(map(_int, shape))
            if strides != tuple(math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))):
                raise _Unknown("a tensor that does not lie in one piece")
            return _Tensor(storage, _int(offset), sizes)
    raise _Unknown("a call")


def _storage(reference: Value) -> _Storage:
    match reference:
        case ("storage", _Name("torch FloatStorage"), str(key), *_):
            return _Storage(key)
    raise _Unknown("a reference to something else than numbers")
