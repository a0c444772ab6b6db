"""The caller's audio: held until somebody listens, handed on, recorded, taken apart and put together."""

from __future__ import annotations

import asyncio

import pytest

from offhook.audio import l16, ulaw
from offhook.bots.stream import HELD, Stream
from offhook.protocol import MONO, MONO_L16, STEREO, Lane, Media

SECOND = bytes(range(1, 101)) * 80
LOST: list[int] = []
ERRORS: list[Exception] = []


def stream(media: Media | None = MONO, order: l16.ByteOrder = "little") -> Stream:
    made = Stream(Lane(), media, order, None)
    made.begin(ERRORS.append)
    return made


def take(made: Stream, data: bytes, position: int) -> None:
    made._lane.hand_on(data, position)


def test_the_first_sink_gets_what_was_held_and_later_ones_do_not() -> None:
    made, first, second = stream(), [], []
    take(made, b"a", 0)
    made.add(lambda data, position: first.append((data, position)))
    take(made, b"b", 1)
    made.add(lambda data, position: second.append((data, position)))
    take(made, b"c", 2)
    assert first == [(b"a", 0), (b"b", 1), (b"c", 2)]
    assert second == [(b"c", 2)]


def test_not_more_than_some_seconds_are_held() -> None:
    made, got = stream(), []
    for second in range(int(HELD) + 5):
        take(made, SECOND, second * 8000)
    made.add(lambda data, position: got.append(position))
    assert got == [second * 8000 for second in range(5, int(HELD) + 5)]


async def test_a_reader_gets_everything_to_the_end() -> None:
    made = stream()
    take(made, b"a", 0)
    reading = asyncio.create_task(_all(made))
    await asyncio.sleep(0)
    take(made, b"b", 1)
    made.end()
    assert await reading == [b"a", b"b"]
    assert await _all(made) == [], "after the end"


async def test_a_slow_reader_loses_the_oldest_and_each_loss_is_told() -> None:
    made, lost = stream(), []
    frames = made.read(lost.append)
    take(made, b"\x01", 0)
    assert await anext(frames) == b"\x01"
    for at in range(1, 300):
        take(made, bytes([at % 200]), at)
    made.end()
    rest = [data async for data in frames]
    assert (len(rest), len(lost)) == (250, 49)
    assert rest[-1] == bytes([299 % 200])


async def test_a_reader_that_stops_is_forgotten() -> None:
    made = stream()
    frames = made.read(LOST.append)
    take(made, b"a", 0)
    await anext(frames)
    await frames.aclose()  # type: ignore[attr-defined]
    take(made, b"b", 1)
    assert await asyncio.wait_for(_ended(made), 1) == []


async def _ended(made: Stream) -> list[bytes]:
    made.end()
    return await _all(made)


async def _all(made: Stream) -> list[bytes]:
    return [data async for data in made.read(LOST.append)]


def test_a_sink_that_raises_is_told_of_and_the_next_frame_comes() -> None:
    made, got = stream(), []
    made.add(lambda data, position: got.append(1 // position))
    ERRORS.clear()
    take(made, b"a", 0)
    take(made, b"b", 1)
    assert got == [1]
    assert [type(error) for error in ERRORS] == [ZeroDivisionError]


def test_a_sink_that_was_taken_away_gets_no_more() -> None:
    made, got = stream(), []
    made.add(got_it := lambda data, position: got.append(position))
    take(made, b"a", 0)
    made.remove(got_it)
    take(made, b"b", 1)
    assert got == [0]


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("media", [MONO, STEREO, MONO_L16])
def test_frames_are_taken_apart_and_put_together(media: Media, order: l16.ByteOrder) -> None:
    made = stream(media, order)
    frame = made.frame(SECOND)
    assert len(frame) == len(SECOND) * made.width
    assert [ulaw.decode(lane).tolist() for lane in made.lanes(frame)] == [ulaw.decode(SECOND).tolist()] * len(
        made.channels
    )


def test_a_session_without_audio_has_no_channels() -> None:
    made = stream(None)
    assert (made.channels, made.lanes(b""), made.width) == ((), [], 1)
