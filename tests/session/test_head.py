"""Request heads, from any pieces: what is taken, what is refused, and how."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.session.head import Head, HeadReader, response, upgrade_head
from offhook.session.wire import Refusal, WireLimits

untimed = settings(deadline=None)
LIMITS = WireLimits()
UPGRADE = (
    "Host: bot.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
# P2.5 and P2.8 vector D, as a client would send it
SIGNED = (
    "GET /connector/v1/bot-7?lang=en-US&mode=test HTTP/1.1\r\n" + UPGRADE + "Audiohook-Session-Id: 30b0e395\r\n"
    'Signature-Input: sig1=("@request-target" "@authority");\r\n  keyid="abc";created=1\r\n'
    "Signature: sig1=:AA==:\r\n\r\n"
).encode()


def read(data: bytes, limits: WireLimits = LIMITS) -> Head | Refusal | None:
    return HeadReader(limits).feed(data)


def request(*lines: str, first: str = "GET / HTTP/1.1") -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


def test_a_signed_upgrade_is_understood():
    head = read(SIGNED + b"\x82\x80more")
    assert isinstance(head, Head)
    assert head.target == "/connector/v1/bot-7?lang=en-US&mode=test"
    assert head.headers["audiohook-session-id"] == "30b0e395"
    assert head.headers["signature-input"] == 'sig1=("@request-target" "@authority"); keyid="abc";created=1'
    assert head.rest == b"\x82\x80more"


@untimed
@given(st.lists(st.integers(0, len(SIGNED) + 4), max_size=8))
def test_any_split_gives_the_same_head(cuts):
    data = SIGNED + b"rest"
    reader = HeadReader(LIMITS)
    bounds = sorted({0, len(data), *cuts})
    outcomes = [reader.feed(data[start:end]) for start, end in pairwise(bounds)]
    heads = [(index, outcome) for index, outcome in enumerate(outcomes) if outcome is not None]
    index, head = heads[0]
    assert isinstance(head, Head)
    assert head[:2] == read(data)[:2]
    assert head.rest == data[len(SIGNED) : bounds[index + 1]]


def test_a_head_may_come_byte_by_byte():
    reader = HeadReader(LIMITS)
    outcomes = [reader.feed(bytes([byte])) for byte in SIGNED]
    assert outcomes[:-1] == [None] * (len(SIGNED) - 1)
    assert outcomes[-1] == read(SIGNED)


@untimed
@given(st.binary(max_size=400))
def test_no_bytes_raise(data):
    outcome = read(b"GET /" + data + b"\r\n\r\n")
    assert isinstance(outcome, Head | Refusal)
    read(data)


header_values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30)


@untimed
@given(st.lists(st.tuples(st.sampled_from(["X-A", "x-a", "X-B"]), header_values), max_size=6), st.sampled_from(" \t"))
def test_values_are_trimmed_and_repeated_fields_joined(fields, blank):
    head = read(request("Host: h", *(f"{name}:{blank}{value}{blank}" for name, value in fields)))
    assert isinstance(head, Head)
    for name in ("x-a", "x-b"):
        values = [value.strip(" \t") for field, value in fields if field.lower() == name]
        assert head.headers.get(name, "") == ", ".join(values)


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (["X: a", " b"], "a b"),
        (["X: a  ", "\t  b", " c"], "a b c"),
        (["X:", " b"], "b"),
        (["X: a", "  "], "a"),
        (["X: a", " b", "x: c"], "a b, c"),
        (["X: a", "Y: q", "X: b", " c"], "a, b c"),
    ],
)
def test_folds_become_one_space(lines, value):  # P2.5 rule 3
    head = read(request("Host: h", *lines))
    assert isinstance(head, Head)
    assert head.headers["x"] == value


HOST = "Host: h"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
WS = (HOST, "Connection: Upgrade", "Upgrade: websocket")
REFUSED = {
    "not HTTP": (b"\x16\x03\x01\x02\x00", 400),
    "no target": (request(HOST, first="GET HTTP/1.1"), 400),
    "two blanks": (request(HOST, first="GET  / HTTP/1.1"), 400),
    "lower-case version": (request(HOST, first="GET / http/1.1"), 400),
    "absolute target": (request(HOST, first="GET http://h/ HTTP/1.1"), 400),
    "asterisk": (request(HOST, first="GET * HTTP/1.1"), 400),
    "fragment": (request(HOST, first="GET /a#b HTTP/1.1"), 400),
    "target beyond ASCII": (request(HOST, first="GET /\xe9 HTTP/1.1"), 400),
    "tab in the target": (request(HOST, first="GET /\t HTTP/1.1"), 400),
    "HTTP/2": (request(HOST, first="GET / HTTP/2.0"), 505),
    "HTTP/0.9": (request(HOST, first="GET / HTTP/0.9"), 505),
    "the HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "POST": (request(HOST, first="POST / HTTP/1.1"), 405),
    "CONNECT": (request(HOST, first="CONNECT h:1 HTTP/1.1"), 405),
    "bare LF": (b"GET / HTTP/1.1\r\nHost: h\nX: a\r\n\r\n", 400),
    "bare CR": (b"GET / HTTP/1.1\r\nHost: h\rX: a\r\n\r\n", 400),
    "NUL": (b"GET / HTTP/1.1\r\nHost: h\x00\r\n\r\n", 400),
    "DEL": (b"GET / HTTP/1.1\r\nHost: h\x7f\r\n\r\n", 400),
    "escape": (b"GET / HTTP/1.1\r\nHost: h\r\nX: \x1b[2J\r\n\r\n", 400),
    "no colon": (request(HOST, "X"), 400),
    "blank before the colon": (request(HOST, "X : a"), 400),
    "no name": (request(HOST, ": a"), 400),
    "odd name": (request(HOST, "X(: a"), 400),
    "fold without a field": (request(" X: a", HOST), 400),
    "no Host": (request("X: a"), 400),
    "two Hosts": (request(HOST, "host: g"), 400),
    "a body": (request(HOST, "Content-Length: 4"), 413),
    "chunks": (request(HOST, "Transfer-Encoding: chunked"), 413),
    "upgrade by HTTP/1.0": (request(*WS, KEY, "Sec-WebSocket-Version: 13", first="GET / HTTP/1.0"), 505),
    "no Connection": (request(HOST, "Upgrade: websocket", KEY, "Sec-WebSocket-Version: 13"), 400),
    "old WebSocket": (request(*WS, KEY, "Sec-WebSocket-Version: 8"), 426),
    "no WebSocket version": (request(*WS, KEY), 426),
    "no key": (request(*WS, "Sec-WebSocket-Version: 13"), 400),
    "short key": (request(*WS, "Sec-WebSocket-Key: AAAA", "Sec-WebSocket-Version: 13"), 400),
    "two keys": (request(*WS, KEY, KEY, "Sec-WebSocket-Version: 13"), 400),
    "key beyond ASCII": (request(*WS, "Sec-WebSocket-Key: \xe9", "Sec-WebSocket-Version: 13"), 400),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_refused(fault):
    data, status = REFUSED[fault]
    outcome = read(data)
    assert isinstance(outcome, Refusal)
    assert outcome.status == status


def test_refusals_that_owe_a_field_have_it():
    assert ("Allow", "GET") in read(REFUSED["POST"][0]).headers
    assert ("Sec-WebSocket-Version", "13") in read(REFUSED["old WebSocket"][0]).headers


TAKEN = {
    "plain GET": request(HOST),
    "HTTP/1.0 health check": b"GET /health HTTP/1.0\r\n\r\n",
    "browser's Connection": request(HOST, "Connection: keep-alive, Upgrade", "Upgrade: WebSocket", KEY,
                                    "Sec-WebSocket-Version: 13"),
    "empty body": request(HOST, "Content-Length: 0"),
    "other upgrade": request(HOST, "Connection: Upgrade", "Upgrade: h2c"),
    "latin-1 value": request(HOST, "X: \xe9"),
    "empty value": request(HOST, "X:"),
}  # fmt: skip


@pytest.mark.parametrize("case", TAKEN)
def test_taken(case):
    assert isinstance(read(TAKEN[case]), Head)


def test_limits_are_exact():
    limits = WireLimits(max_head=200, max_target=20, max_headers=3)
    target = "/" + "a" * 19
    assert read(request(HOST, first=f"GET {target} HTTP/1.1"), limits).target == target
    assert read(request(HOST, first=f"GET {target}a HTTP/1.1"), limits) == Refusal(414)
    assert isinstance(read(request(HOST, "A: 1", "B: 2"), limits), Head)
    assert read(request(HOST, "A: 1", "B: 2", "C: 3"), limits) == Refusal(431)
    fits = request(HOST, "A: " + "x" * (200 - len(request(HOST, "A: ")) + 4))
    assert len(fits) == 204
    assert isinstance(read(fits, limits), Head)
    assert read(fits.replace(b"x", b"xx", 1), limits) == Refusal(431)


def test_endless_heads_are_refused_before_they_end():
    assert read(b"GET /" + b"a" * 5_000) == Refusal(414)
    assert read(b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000) == Refusal(431)
    assert read(b"G" * 5_000) == Refusal(414)
    assert read(b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 4_000) == Refusal(431)


def test_a_response_is_whole_and_says_that_it_is_the_last():
    refusal = Refusal(503, body=b'{"draining": true}', content_type="application/json", headers=(("Retry-After", "5"),))
    head, _, body = response(refusal).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 503 Service Unavailable"
    assert body == b'{"draining": true}'
    expected = {"Connection: close", "Content-Length: 18", "Content-Type: application/json", "Retry-After: 5"}
    assert expected <= set(lines)
    assert response(Refusal(401, "Go away")).startswith(b"HTTP/1.1 401 Go away\r\n")
    assert response(Refusal(499)).startswith(b"HTTP/1.1 499 \r\n")


def test_our_own_upgrade_head_passes_our_own_reader():
    assert isinstance(read(upgrade_head("dGhlIHNhbXBsZSBub25jZQ==")), Head)
