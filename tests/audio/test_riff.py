"""The container, byte by byte: what careless and streaming writers leave, and what is refused."""

from __future__ import annotations

import struct

import pytest

from offhook.audio import riff

PCM_MONO = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
ULAW_STEREO = struct.pack("<HHIIHHH", 7, 2, 8000, 16000, 2, 8, 0)
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body + bytes(len(body) % 2)


def wave(*chunks: bytes, size: int | None = None, magic: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return magic + struct.pack("<I", len(body) if size is None else size) + body


def extensible(tag: int, bits: int, tail: bytes = GUID_TAIL) -> bytes:
    width = bits // 8
    head = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 8000, 8000 * width, width, bits, 22, bits, 4)
    return head + struct.pack("<H", tag) + tail


def test_a_plain_file() -> None:
    form, data = riff.parse(wave(chunk(b"fmt ", PCM_MONO), chunk(b"data", b"abcd")))
    assert form == riff.Format(riff.PCM, channels=1, rate=8000, width=2)
    assert data == b"abcd"


def test_other_chunks_are_passed_over_with_their_padding() -> None:
    blob = wave(
        chunk(b"bext", b"odd"),
        chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 3) + b"me\0"),
        chunk(b"fmt ", ULAW_STEREO),
        chunk(b"fact", struct.pack("<I", 3)),
        chunk(b"data", b"EIEIEI"),
        chunk(b"id3 ", b"tail"),
    )
    form, data = riff.parse(blob)
    assert form == riff.Format(riff.ULAW, channels=2, rate=8000, width=1)
    assert data == b"EIEIEI"


def test_the_format_may_come_last() -> None:
    assert riff.parse(wave(chunk(b"data", b"abcd"), chunk(b"fmt ", PCM_MONO)))[1] == b"abcd"


@pytest.mark.parametrize(
    ("data_size", "riff_size"), [(0, 0), (0, 36), (0xFFFFFFFF, 0xFFFFFFFF), (0, 0xFFFFFFFF), (0x7FFFF000, 0x7FFFF024)]
)
def test_a_streamed_file_is_read_to_its_end(data_size: int, riff_size: int) -> None:
    blob = wave(chunk(b"fmt ", PCM_MONO), chunk(b"data", b"abcdef", size=data_size), size=riff_size)
    assert riff.parse(blob)[1] == b"abcdef"


def test_an_empty_file_stays_empty() -> None:
    assert riff.parse(wave(chunk(b"fmt ", PCM_MONO), chunk(b"data", b"")))[1] == b""
    assert riff.parse(wave(chunk(b"fmt ", PCM_MONO), chunk(b"data", b""), chunk(b"LIST", b"more")))[1] == b""


def test_audio_that_was_cut_short_ends_at_a_whole_sample() -> None:
    whole = wave(chunk(b"fmt ", ULAW_STEREO), chunk(b"data", b"EIEIEI"))
    assert riff.parse(whole[:-1])[1] == b"EIEI"
    assert riff.parse(whole[:-6])[1] == b""


def test_long_files_give_their_size_elsewhere() -> None:
    ds64 = struct.pack("<QQQI", 0, 4, 2, 0)
    chunks = (
        chunk(b"ds64", ds64),
        chunk(b"fmt ", PCM_MONO),
        chunk(b"data", b"abcd", 0xFFFFFFFF),
        chunk(b"LIST", b"more"),
    )
    assert riff.parse(wave(*chunks, size=0xFFFFFFFF, magic=b"RF64"))[1] == b"abcd"


@pytest.mark.parametrize(("tag", "bits"), [(1, 24), (3, 32), (7, 8), (6, 8)])
def test_extensible_formats_are_what_they_name(tag: int, bits: int) -> None:
    form, _ = riff.parse(wave(chunk(b"fmt ", extensible(tag, bits)), chunk(b"data", b"")))
    assert (form.tag, form.width) == (tag, bits // 8)


def fmt(tag: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16) -> bytes:
    return wave(chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, 0, 0, bits)), chunk(b"data", b"abcd"))


def test_a_wrong_block_size_does_no_harm() -> None:
    assert riff.parse(fmt(channels=2))[0].block == 4


def test_bits_that_fill_no_byte_take_the_whole_one() -> None:
    assert riff.parse(fmt(bits=12))[0].width == 2
    assert riff.parse(fmt(bits=20))[0].width == 3


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"", "is empty"),
        (b"ID3\x03 some song", "is not a WAV file: it begins with b'ID3"),
        (b"RIFF\x10\x00\x00\x00AVI LIST", "is not a WAV file"),
        (b"RIF", "is not a WAV file"),
        (wave(chunk(b"data", b"abcd")), "without a format chunk"),
        (wave(chunk(b"fmt ", PCM_MONO)), "without a data chunk"),
        (wave(), "without a format chunk"),
        (wave(chunk(b"fmt ", PCM_MONO[:14]), chunk(b"data", b"")), "format chunk of 14 bytes"),
        (fmt(tag=0x55), r"holds MP3 \(format tag 0x0055\): convert it"),
        (fmt(tag=0x1234), r"unknown kind \(format tag 0x1234\)"),
        (wave(chunk(b"fmt ", extensible(1, 16, bytes(14))), chunk(b"data", b"")), "0xFFFE"),
        (fmt(bits=64), "PCM samples of 64 bits"),
        (fmt(bits=0), "PCM samples of 0 bits"),
        (fmt(tag=3, bits=16), "floating-point samples of 16 bits"),
        (fmt(channels=0), "0 channels"),
        (fmt(rate=0), "sample rate is 0 Hz"),
        (fmt(rate=4_000_000_000), "sample rate is 4000000000 Hz"),
    ],
)
def test_what_is_refused_and_why(blob: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        riff.parse(blob)


@pytest.mark.parametrize("form", [riff.Format(riff.ULAW, 2, 8000, 1), riff.Format(riff.PCM, 1, 16000, 2)])
def test_headers_are_read_back(form: riff.Format) -> None:
    data = bytes(range(12))
    assert riff.parse(riff.header(form, len(data)) + data) == (form, data)


def test_a_mu_law_header_byte_by_byte() -> None:
    assert riff.header(riff.Format(riff.ULAW, 2, 8000, 1), 6) == (
        b"RIFF" + struct.pack("<I", 56) + b"WAVE"
        b"fmt " + struct.pack("<IHHIIHHH", 18, 7, 2, 8000, 16000, 2, 8, 0) +
        b"fact" + struct.pack("<II", 4, 3) +
        b"data" + struct.pack("<I", 6)
    )  # fmt: skip


def test_sizes_that_do_not_fit_are_unknown() -> None:
    header = riff.header(riff.Format(riff.ULAW, 1, 8000, 1), 5 << 30)
    assert header[4:8] == header[-4:] == b"\xff\xff\xff\xff"
