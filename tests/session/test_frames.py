"""Frames to messages, without sockets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.session.frames import Assembler, FrameError, fitting, parse_close

untimed = settings(deadline=None)
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

messages = st.lists(st.text() | st.binary(max_size=300), max_size=6)


def pieces(data: st.DataObject, payload: bytes) -> list[bytes]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(payload)), max_size=4), label="cuts"))
    return [payload[start:end] for start, end in zip([0, *cuts], [*cuts, len(payload)], strict=True)]


@untimed
@given(messages, st.data())
def test_any_split_gives_the_same_messages(expected, data):
    assembler, got = Assembler(10_000), []
    for message in expected:
        payload = message.encode() if isinstance(message, str) else message
        parts = pieces(data, payload)
        for i, part in enumerate(parts):
            if data.draw(st.booleans(), label="control frame before"):
                assert assembler.feed(data.draw(st.sampled_from([PING, PONG, CLOSE])), True, False, b"x") is None
            opcode = CONT if i else TEXT if isinstance(message, str) else BINARY
            result = assembler.feed(opcode, i == len(parts) - 1, False, part)
            if result is not None:
                got.append(result)
            assert (result is None) == (i < len(parts) - 1)
    assert got == expected
    assert [type(message) for message in got] == [type(message) for message in expected]


@untimed
@given(st.binary(max_size=40), st.data())
def test_text_is_taken_exactly_if_it_is_utf8(payload, data):
    try:
        expected = payload.decode()
    except UnicodeDecodeError:
        expected = None
    assembler, parts = Assembler(100), pieces(data, payload)
    *first, last = [(CONT if i else TEXT, i == len(parts) - 1, False, part) for i, part in enumerate(parts)]
    for each in first:
        assert assembler.feed(*each) is None
    if expected is None:
        with pytest.raises(FrameError) as caught:
            assembler.feed(*last)
        assert caught.value.code == 1007
    else:
        assert assembler.feed(*last) == expected


@untimed
@given(st.integers(0, 15), st.booleans(), st.booleans(), st.binary(max_size=200))
def test_one_frame_of_any_kind_is_judged_or_taken(opcode, fin, reserved, payload):
    code = 0
    try:
        Assembler(150).feed(opcode, fin, reserved, payload)
    except FrameError as error:
        code = error.code
    legal = opcode in (TEXT, BINARY, CLOSE, PING, PONG) and not reserved and len(payload) <= 150
    assert code in ((0, 1002, 1007) if legal else (1002, 1009))


BROKEN = [
    ([(BINARY, True, True, b"a")], 1002),
    ([(PING, True, True, b"")], 1002),
    ([(3, True, False, b"")], 1002),
    ([(7, True, False, b"")], 1002),
    ([(11, True, False, b"")], 1002),
    ([(15, True, False, b"")], 1002),
    ([(CONT, True, False, b"")], 1002),
    ([(TEXT, False, False, b""), (TEXT, True, False, b"")], 1002),
    ([(TEXT, False, False, b""), (BINARY, False, False, b"")], 1002),
    ([(BINARY, False, False, b""), (CONT, True, False, b""), (CONT, True, False, b"")], 1002),
    ([(PING, False, False, b"")], 1002),
    ([(PONG, True, False, bytes(126))], 1002),
    ([(TEXT, True, False, b"\xf5")], 1007),
    ([(BINARY, True, False, bytes(1_001))], 1009),
    ([(BINARY, False, False, bytes(600)), (PING, True, False, b""), (CONT, False, False, bytes(401))], 1009),
]


@pytest.mark.parametrize(("frames", "code"), BROKEN)
def test_what_must_not_stand_there_is_refused_at_its_frame(frames, code):
    assembler = Assembler(1_000)
    for opcode, fin, reserved, payload in frames[:-1]:
        assembler.feed(opcode, fin, reserved, payload)
    opcode, fin, reserved, payload = frames[-1]
    with pytest.raises(FrameError) as caught:
        assembler.feed(opcode, fin, reserved, payload)
    assert caught.value.code == code


def test_the_limit_itself_is_allowed_and_counts_each_message_anew():
    assembler = Assembler(10)
    for _ in range(3):
        assert assembler.feed(BINARY, False, False, bytes(4)) is None
        assert assembler.feed(CONT, True, False, bytes(6)) == bytes(10)
        assert assembler.feed(BINARY, True, False, bytes(10)) == bytes(10)


def test_a_whole_binary_message_is_not_copied():
    payload = bytes(1_600)
    assert Assembler(10_000).feed(BINARY, True, False, payload) is payload


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])
def test_codes_that_may_be_sent(code):
    assert parse_close(code.to_bytes(2, "big") + "grüße".encode()) == (code, "grüße")


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535])
def test_codes_that_may_not_be_sent(code):
    with pytest.raises(FrameError, match="may not be sent") as caught:
        parse_close(code.to_bytes(2, "big"))
    assert caught.value.code == 1002


def test_close_frames_of_odd_sizes():
    assert parse_close(b"") == (1005, "")
    with pytest.raises(FrameError, match="half a code"):
        parse_close(b"\x03")
    with pytest.raises(FrameError) as caught:
        parse_close(b"\x03\xe8\xff")
    assert caught.value.code == 1007


@untimed
@given(st.text())
def test_a_reason_is_cut_to_fit(reason):
    cut = fitting(reason)
    assert reason.startswith(cut)
    assert len(cut.encode()) <= 123
    assert cut == reason or len(reason[: len(cut) + 1].encode()) > 123
