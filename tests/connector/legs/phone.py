"""Debian's baresip as a telephone: another SIP client than ours and SIPp, told what to do over its control socket.

It has no sound card: it says a WAV file (and hangs up at the end of it), and what it hears is written to another.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from offhook.audio import ulaw

from .sipp import free_port

MODULES = Path("/usr/lib/baresip/modules")
#: Its own.
NUMBER = "+15550009999"
_CONFIG = """
sip_listen 127.0.0.1:{sip}
net_interface 127.0.0.1
call_local_timeout 30
audio_player aubridge,nobody
audio_source aufile,{said}
audio_alert aufile,{folder}/alert.wav
ausrc_srate 8000
auplay_srate 8000
audio_buffer 20-160
rtp_ports 40000-49999
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path {folder}
module srtp.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Phone:
    """A telephone that is on.

    Attributes:
        port: Of its SIP.
        events: Kinds of what has happened to it: `CALL_RINGING`, `CALL_ESTABLISHED`, `CALL_CLOSED` and so on.
        keys: That it was sent.
        heard: Linear samples that it has heard, once it is off.
    """

    def __init__(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.port = port
        self.events: list[str] = []
        self.keys: list[str] = []
        self.heard = np.zeros(0, np.int16)
        self._told: list[dict[str, object]] = []
        self._writer = writer
        self._changed = asyncio.Event()
        self._tokens = itertools.count(1)
        self._reading = asyncio.create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Netstrings of JSON."""
        try:
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                told = json.loads((await reader.readexactly(length + 1))[:-1])
                self._told.append(told)
                if told.get("event"):
                    self.events.append(told["type"])
                    if told["type"] == "CALL_DTMF_START":
                        self.keys.append(told["param"])
                self._changed.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    async def _until(self, found) -> None:
        async with asyncio.timeout(20):
            while not found():
                self._changed.clear()
                await self._changed.wait()

    async def tell(self, command: str, params: str = "") -> None:
        """One of its commands, as `/help` lists them; returns when it has said that it was done."""
        token = str(next(self._tokens))
        text = json.dumps({"command": command, "params": params, "token": token}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        await self._until(lambda: any(told.get("token") == token for told in self._told))
        (answer,) = (told for told in self._told if told.get("token") == token)
        assert answer["ok"], answer

    async def until(self, event: str, times: int = 1) -> None:
        """Wait for an event."""
        await self._until(lambda: self.events.count(event) >= times)

    def close(self) -> None:
        self._reading.cancel()
        self._writer.close()


@asynccontextmanager
async def phone(folder: Path, said: bytes, *, account: str = "", answers: bool = False) -> AsyncIterator[Phone]:
    """A telephone; it is off afterwards, and its file of what it heard is whole.

    Args:
        folder: Where its files are.
        said: What it says in a call, mu-law, and nothing behind it.
        account: More parameters of its account, such as `;mediaenc=srtp`.
        answers: It answers calls by itself.
    """
    sip, control = free(), free()
    with wave.open(str(folder / "said.wav"), "wb") as file:  # it reads linear samples only
        file.setparams((1, 2, ulaw.RATE, 0, "NONE", ""))
        file.writeframes(ulaw.decode(said).tobytes() + bytes(60 * 2 * ulaw.RATE))  # it hangs up at the end of it
    settings = _CONFIG.format(sip=sip, control=control, said=folder / "said.wav", folder=folder, modules=MODULES)
    (folder / "config").write_text(settings)
    mode = "auto" if answers else "manual"
    line = f"<sip:{NUMBER}@127.0.0.1:{sip}>;regint=0;audio_codecs=pcmu,pcma;answermode={mode}{account}\n"
    (folder / "accounts").write_text(line)
    log = folder / "baresip.log"
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            "baresip", "-f", str(folder), "-v", stdin=asyncio.subprocess.DEVNULL, stdout=written, stderr=written
        )
        found = None
        try:
            reader, writer = await _connected(control, process, log)
            found = Phone(sip, reader, writer)
            yield found
        finally:
            if found is not None:
                found.close()
            if process.returncode is None:
                process.terminate()
            await process.wait()
            if found is not None:
                found.heard = _recorded(folder)


def free() -> int:
    """A port for UDP and TCP, with the one behind it: it opens TLS there whether that is wanted or not."""
    for _ in range(100):
        port = free_port()
        with socket.socket() as first, socket.socket() as second, contextlib.suppress(OSError, OverflowError):
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
    raise AssertionError("no two free ports")


def _recorded(folder: Path) -> np.ndarray:
    """What came to its decoder, if there was a call."""
    pieces = []
    for path in sorted(folder.glob("dump-*-dec.wav")):
        with wave.open(str(path)) as file:
            pieces.append(np.frombuffer(file.readframes(file.getnframes()), np.int16))
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)


async def _connected(
    port: int, process: asyncio.subprocess.Process, log: Path
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(20):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                assert process.returncode is None, log.read_text()  # noqa: ASYNC240 (it has failed)
                await asyncio.sleep(0.02)
