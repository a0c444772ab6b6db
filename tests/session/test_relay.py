"""What workers write comes out in whole lines."""

from __future__ import annotations

import asyncio
import io
import os

import pytest

from offhook.session.relay import Relay

pytestmark = pytest.mark.stock_loop


async def test_lines_of_two_writers_do_not_mix():
    out = io.BytesIO()
    relay = Relay(out)
    pipes = [await relay.open(asyncio.get_running_loop()) for _ in range(2)]
    os.write(pipes[0].end, b"one, ")
    os.write(pipes[1].end, b"other\nrest")
    async with asyncio.timeout(20):
        while True:
            if b"other" in out.getvalue():
                break
            await asyncio.sleep(0)
    os.write(pipes[0].end, b"whole\n")
    for pipe in pipes:
        os.close(pipe.end)
        await pipe.over()
    assert sorted(out.getvalue().splitlines()) == [b"one, whole", b"other", b"rest"]


async def test_when_nobody_reads_any_more_the_writers_are_told():
    class Broken(io.BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError

    relay = Relay(Broken())
    pipe = await relay.open(asyncio.get_running_loop())
    os.write(pipe.end, b"a line\n")
    await pipe.over()
    with pytest.raises(BrokenPipeError):
        os.write(pipe.end, b"another\n")
    os.close(pipe.end)
