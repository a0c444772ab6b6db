"""What is keyed and said in private is nowhere in what is kept of a call."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from tests.bots.fakes import Scripted, calling, engines, make_bot, voice

from offhook import Call
from offhook.audio import ulaw, wav
from offhook.bots.privacy import Privacy
from offhook.protocol import Role
from offhook.records.store import CallStore

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_nothing_of_it_is_on_disk(tmp_path: Path) -> None:
    got: list[str] = []

    async def handler(call: Call) -> None:
        got.append(await call.dtmf(4, prompt="PIN", secret=True))
        with call.private():
            turn = await call.listen(4)
            got.append(turn.text if turn else "")

    bot = make_bot(handler, engines=engines(Scripted("swordfish")))
    bot.store = CallStore(tmp_path)
    async with calling(bot) as caller:
        await caller.wait(1)
        await caller.dtmf("7193")
        await caller.wait(0.5)
        await caller.play(voice(0.5))
        await caller.result()
    bot.store.close()
    assert got == ["7193", "swordfish"]
    files = files_of(tmp_path)
    texts = "".join(
        path.read_text(errors="replace") for path in files if path.suffix in {".json", ".ndjson", ".html", ".txt"}
    )
    assert "swordfish" not in texts
    assert not any(f'"digit":"{digit}"' in texts.replace(" ", "") for digit in "7193")
    assert base64.b64encode(voice(0.1)).decode()[4:60] not in texts
    (audio,) = (path for path in files if path.suffix == ".wav")
    assert set(wav.read_ulaw(audio)[0]) <= {ulaw.SILENCE, 0x7F}


async def test_keys_that_come_late_are_private_too() -> None:
    now = 0.0
    privacy = Privacy(lambda: now)
    with privacy.entered():
        assert privacy.on
    assert not privacy.on
    message = '{"type":"dtmf","parameters":{"digit":"7"}}'
    now = 1.5
    privacy.key_pressed()
    now = 3.0
    assert '"7"' not in str(privacy.of_message(Role.CLIENT, message))
    now = 3.6
    assert privacy.of_message(Role.CLIENT, message) == message
