"""The real Asterisk, out of a folder: `scripts/fetch_asterisk.sh` brings one.

It runs in that folder as its root, in mounts of its own, and is gone with the process. What it is told of us are the
very lines of docs/connector.md.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from . import sipp as s

ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("OFFHOOK_ASTERISK", ROOT / "build" / "asterisk"))
_INSIDE = 'mount --bind /dev "$0/dev" && mount --bind /proc "$0/proc" && exec chroot "$0" asterisk '


def _inside(options: str) -> list[str]:
    """The command that runs it."""
    return ["unshare", "--mount", "sh", "-c", _INSIDE + options, str(FOLDER)]


def _runs() -> bool:
    """Whether there is one, and this machine lets it run: some containers do not."""
    there = os.geteuid() == 0 and (FOLDER / "usr" / "sbin" / "asterisk").exists()
    return there and subprocess.run(_inside("-V"), capture_output=True).returncode == 0


THERE = _runs()

_PLAIN = {
    "asterisk.conf": "[directories]\nastetcdir = {here}\nastrundir = {here}\nastlogdir = {here}\n",
    "modules.conf": "[modules]\nautoload = yes\n"
    + "".join(
        f"noload = chan_{name}.so\n" for name in ("iax2", "unistim", "mgcp", "skinny", "dundi", "motif", "dahdi")
    ),
    "logger.conf": "[logfiles]\nconsole = warning,error\n",
    "rtp.conf": "[general]\nrtpstart = 21000\nrtpend = 21998\n",
    "pjsip.conf": """[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}

[caller]
type = endpoint
context = from-outside
disallow = all
allow = ulaw
dtmf_mode = rfc4733
direct_media = no

[here]
type = identify
endpoint = caller
match = 127.0.0.1
""",
}


def documented(leg_port: int, password: str) -> dict[str, str]:
    """The files of the documentation's example, for this port and password."""
    block = re.search(r"```ini\n(.*?)```", (ROOT / "docs/connector.md").read_text().partition("## Asterisk")[2], re.S)
    assert block
    text = block[1].replace(":8092/", f":{leg_port}/").replace("password = ...", f"password = {password}")
    files: dict[str, str] = {}
    for part in re.split(r"(?m)^(?=\[)", text):
        if named := re.match(r"\[[\w-]+\]\s*; (\S+)", part):
            files[named[1]] = files.get(named[1], "") + part
    assert set(files) == {"websocket_client.conf", "chan_websocket.conf", "extensions.conf"}
    return files


@asynccontextmanager
async def asterisk(leg_port: int, password: str) -> AsyncIterator[int]:
    """One that dials the leg at this port for each call that comes to it; its own port, of SIP by UDP."""
    port = s.free_port()
    here = f"/tmp/offhook-{port}"
    inside = FOLDER / here.lstrip("/")
    inside.mkdir(parents=True)
    for name, text in (_PLAIN | documented(leg_port, password)).items():
        (inside / name).write_text(text.replace("{here}", here).replace("{port}", str(port)))
    process = await asyncio.create_subprocess_exec(
        *_inside(f"-C {here}/asterisk.conf -f -n"), stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        await s.listening(port)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        shutil.rmtree(inside)
