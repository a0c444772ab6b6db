"""Engines that run as programs of their own: because of their licence (GPL), or because they are no libraries.

Only texts go in and only samples come out; the program can be killed at any time without harm to calls. Knows processes
and bytes.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import subprocess
import threading
from collections.abc import Iterator, Sequence
from typing import Final

from ..errors import EngineError

PATIENCE: Final = 20.0
"""Seconds without a byte after which a program is taken to hang."""


def output(command: Sequence[str], text: str, *, engine: str, chunk: int = 16384) -> Iterator[bytes]:
    """Runs a program once: `text` as its input, UTF-8; yields what it writes, a piece at a time, even lengths.

    The program ends with the iterator, however that ends.

    Raises:
        EngineError: It cannot be started, fails, or hangs.
    """
    try:
        # The group of its own is ended as a whole: programs start others.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError(f"{engine} cannot be started: {error.strerror}") from error
    try:
        assert process.stdin is not None
        with _killed_if_it_takes_nothing(process):
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(text.encode(errors="replace"))
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        rest = b""
        while data := _read(process, chunk, engine):
            data = rest + data
            whole = len(data) - len(data) % 2
            rest = data[whole:]
            if whole:
                yield data[:whole]
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise _hangs(engine) from None
        if code:
            raise EngineError(f"{engine} ended with {'signal' if code < 0 else 'exit code'} {abs(code)}")
    finally:
        kill(process)


@contextlib.contextmanager
def _killed_if_it_takes_nothing(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """For what is written to a program, which may block: who does not read is ended."""
    watchdog = threading.Timer(PATIENCE, _end, (process,))
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def _read(process: subprocess.Popen[bytes], most: int, engine: str) -> bytes:
    """What a program writes next; nothing at its end. Whoever reads may take their time.

    Raises:
        EngineError: It writes nothing for `PATIENCE`.
    """
    assert process.stdout is not None
    waiting = select.poll()
    waiting.register(process.stdout, select.POLLIN)
    if not waiting.poll(PATIENCE * 1000):
        raise _hangs(engine)
    return os.read(process.stdout.fileno(), most)


def _hangs(engine: str) -> EngineError:
    return EngineError(f"{engine} hangs: nothing has come from it for {PATIENCE:g} s")


def kill(process: subprocess.Popen[bytes]) -> None:
    """Ends a program that `start_new_session` was given for, and all that it started; closes its pipes."""
    _end(process)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, 9)


class Workers:
    """Programs that stay: each answers one request at a time, and one that has failed is replaced.

    Args:
        command: Starts one.
        engine: For messages.
        limit: How many may be at work at once.
    """

    def __init__(self, command: Sequence[str], *, engine: str, limit: int) -> None:
        self._command = list(command)
        self._engine = engine
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self._room = threading.Semaphore(limit)

    def request(self, line: bytes, header: int = 4) -> Iterator[bytes]:
        """Writes a line; yields the pieces of the answer, each behind its length (`header` bytes, big-endian).

        A length of zero ends the answer.

        Raises:
            EngineError: The program cannot be started, has failed, or hangs.
        """
        with self._room:
            process = self._take()
            whole = False
            try:
                assert process.stdin is not None
                with _killed_if_it_takes_nothing(process):
                    process.stdin.write(line + b"\n")
                    process.stdin.flush()
                while size := int.from_bytes(self._exactly(process, header), "big"):
                    yield self._exactly(process, size)
                whole = True
            except (OSError, ValueError) as error:
                raise EngineError(f"{self._engine} has stopped: it is started anew") from error
            finally:
                if whole:
                    self._idle.put(process)
                else:
                    kill(process)

    def close(self) -> None:
        """Ends those that are idle."""
        with contextlib.suppress(queue.Empty):
            while True:
                kill(self._idle.get_nowait())

    def _take(self) -> subprocess.Popen[bytes]:
        with contextlib.suppress(queue.Empty):
            while True:
                process = self._idle.get_nowait()
                if process.poll() is None:
                    return process
                kill(process)
        try:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"{self._engine} cannot be started: {error.strerror}") from error

    def _exactly(self, process: subprocess.Popen[bytes], size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            more = _read(process, size - len(data), self._engine)
            if not more:
                raise EngineError(f"{self._engine} has stopped: it is started anew")
            data += more
        return bytes(data)
