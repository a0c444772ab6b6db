"""What is set of a SIP stack is what the stack does."""

from __future__ import annotations

import asyncio

import pytest

from offhook.audio import tones, ulaw

from . import sipp as s
from .test_baresip import answering, needs_sipp


@needs_sipp
@pytest.mark.parametrize("least", [20, 120])
async def test_the_jitter_buffer_holds_what_is_set(tmp_path, least):
    (tmp_path / "tone.ul").write_bytes(ulaw.encode(tones.tone(440, 1.0, -12)))
    calls = []

    async def flow(call) -> None:
        calls.append(call._context.line.leg._call._call)
        await asyncio.Event().wait()

    async with answering(flow=flow, jitter=(least, 400)) as world:
        await world.call(tmp_path, s.invite(), s.answered(), s.play("tone.ul"), s.pause(1000), s.bye())
        (stack_call,) = calls
        held = stack_call.final_stats.jbuf_delay_ms
    assert least <= held < least + 80
