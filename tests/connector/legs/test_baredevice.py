"""The device that baresip takes what it sends from: each call's audio reaches that call, and none that is gone.

The real library uses it in `test_baresip.py`; here it is played by a double, with the same callbacks.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno

import numpy as np
import pytest

from offhook.audio import tones, ulaw
from offhook.connector.legs import baredevice
from offhook.connector.legs.baredevice import Device
from offhook.connector.legs.sipstack import LEAD
from offhook.errors import UsageError

TONE = ulaw.encode(tones.tone(437, 0.5, -12))


class Library:
    """As much of the library as the device calls."""

    def __init__(self, *, refuses: bool = False, other_frames: bool = False) -> None:
        self.refuses = refuses
        self.other_frames = other_frames
        self.memory: dict[int, tuple[object, object]] = {}
        self.names: list[bytes] = []
        self.released: list[object] = []

    def baresip_ausrcl(self) -> int:
        return 1

    baresip_auplayl = baresip_ausrcl

    def ausrc_register(self, entry, devices, name, make) -> int:
        self.names.append(name)
        self.make = ctypes.cast(make, baredevice._MAKE_SOURCE)
        return int(self.refuses)

    def auplay_register(self, entry, devices, name, make) -> int:
        self.names.append(name)
        self.make_player = ctypes.cast(make, baredevice._MAKE_PLAYER)
        return 0

    def mem_zalloc(self, size, destructor) -> int:
        memory = (ctypes.c_uint8 * size)()
        self.memory[ctypes.addressof(memory)] = memory, destructor
        return ctypes.addressof(memory)

    def mem_deref(self, entry) -> None:
        self.released.append(entry)

    def auframe_init(self, frame, form, samples, count, rate, channels) -> None:
        made = frame._obj
        made.format, made.rate, made.samples = form, rate, ctypes.addressof(samples)
        made.count, made.channels = 0 if self.other_frames else count, channels

    def free(self, address: int) -> None:
        _, destructor = self.memory.pop(address)
        destructor(address)


class Stream:
    """One call's side: what it was given to send."""

    def __init__(self, library: Library, audio: int, rate: int = 8_000) -> None:
        self.taken: list[np.ndarray] = []
        self._take = baredevice._TAKE(self._take_frame)
        self.place = ctypes.c_void_p()
        wanted = baredevice._Wanted(rate, 1, 20, 0)
        take = ctypes.cast(self._take, ctypes.c_void_p)
        self.result = library.make(ctypes.byref(self.place), None, ctypes.byref(wanted), b"default", take, None, audio)

    def _take_frame(self, frame: int, argument: int) -> None:
        seen = baredevice._Frame.from_address(frame)
        samples = (ctypes.c_int16 * seen.count).from_address(seen.samples)
        self.taken.append(np.array(samples, np.int16))


def device(library: Library) -> Device:
    made = Device(library, lambda audio: (audio or 0) // 10)
    made.register()
    return made


async def begun(ours: Device, *calls: int) -> None:
    """Let calls send their first packet."""
    for call in calls:
        assert ours.send(call, ulaw.silence(160))
    await asyncio.sleep(LEAD)


@pytest.mark.virtual_time
async def test_each_call_sends_what_is_its_own():
    library = Library()
    ours = device(library)
    first, second = Stream(library, 10), Stream(library, 20)
    assert (first.result, second.result) == (0, 0)
    await begun(ours, 1, 2)
    first.taken.clear()
    second.taken.clear()
    assert ours.send(1, TONE[:160])
    assert ours.send(2, TONE[160:320])
    assert first.taken[0].tolist() == ulaw.decode(TONE[:160]).tolist()
    assert second.taken[0].tolist() == ulaw.decode(TONE[160:320]).tolist()
    assert not ours.send(3, TONE[:160])


@pytest.mark.virtual_time
async def test_the_first_packet_is_kept_a_moment_so_that_those_behind_it_may_be_late():
    library = Library()
    ours, stream = device(library), Stream(library, 10)
    assert ours.send(1, TONE[:160])
    await asyncio.sleep(LEAD - 0.001)
    assert stream.taken == []
    await asyncio.sleep(0.001)
    assert stream.taken[0].tolist() == ulaw.decode(TONE[:160]).tolist()
    assert ours.send(1, TONE[160:320])
    assert len(stream.taken) == 2


@pytest.mark.virtual_time
async def test_a_first_packet_of_a_call_that_is_gone_meanwhile_is_not_sent():
    library = Library()
    ours, stream = device(library), Stream(library, 10)
    ours.send(1, TONE[:160])
    library.free(stream.place.value)
    await asyncio.sleep(LEAD)
    assert stream.taken == []


@pytest.mark.virtual_time
async def test_what_is_longer_than_a_packet_may_be_goes_in_parts():
    library = Library()
    ours, stream = device(library), Stream(library, 10)
    await begun(ours, 1)
    stream.taken.clear()
    ours.send(1, TONE[:2_000])
    assert np.concatenate(stream.taken).tolist() == ulaw.decode(TONE[:2_000]).tolist()


@pytest.mark.virtual_time
async def test_a_call_that_is_gone_is_sent_nothing_and_one_described_anew_goes_on():
    library = Library()
    ours, before = device(library), Stream(library, 10)
    after = Stream(library, 10)
    library.free(before.place.value)
    await begun(ours, 1)
    assert (len(before.taken), len(after.taken)) == (0, 1)
    library.free(after.place.value)
    assert not ours.send(1, TONE[:160])


def test_what_is_not_telephony_is_refused(caplog):
    library = Library()
    ours = device(library)
    assert Stream(library, 10, rate=48_000).result == errno.ENOTSUP
    assert "48000 Hz" in caplog.text
    assert Stream(library, 0).result == errno.ENOMEM
    assert not ours.send(1, TONE[:160])
    assert library.memory == {}  # nobody would free it


def test_a_library_with_other_frames_is_told_and_not_trusted(caplog):
    library = Library(other_frames=True)
    ours, stream = device(library), Stream(library, 10)
    assert stream.result == errno.EINVAL
    assert "other frames" in caplog.text
    assert not ours.send(1, TONE[:160])
    assert library.memory == {}


def test_a_player_is_made_that_plays_nothing():
    library = Library()
    kept = device(library)
    place = ctypes.c_void_p()
    assert library.make_player(ctypes.byref(place), None, None, b"default", None, None) == 0
    assert place.value in library.memory
    assert kept is not None


def test_it_is_registered_by_its_name_and_let_go():
    library = Library()
    ours = device(library)
    assert library.names == [b"offhook"] * 2
    ours.unregister()
    assert len(library.released) == 2
    with pytest.raises(UsageError, match="audio device"):
        device(Library(refuses=True))
