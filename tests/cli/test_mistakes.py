"""The mistakes that signers and proxies make are recognised, and nothing is claimed that is not so."""

from __future__ import annotations

import base64

import pytest

from offhook.cli.mistakes import Request, advice, base_of, signature_of, would_verify
from offhook.protocol.signature import Outcome, Verdict, canonical_headers, sign
from offhook.session.keys import SAMPLE_SECRET, Endpoint, decode_secret

SECRET = decode_secret(SAMPLE_SECRET)
URI = "wss://bot.example/ws/bot-7?lang=en%2DUS"
FIELDS = {
    "Audiohook-Organization-Id": "d7934305-0972-4844-938e-9060eef73d05",
    "Audiohook-Session-Id": "30b0e395-84d3-4570-ac13-9a62d8f514c0",
    "Audiohook-Correlation-Id": "e160e428-53e2-487c-977d-96989bf5c99d",
    "X-API-KEY": "key",
}


def explained(
    uri: str = URI,
    *,
    target: str | None = None,
    authority: str | None = None,
    secret: bytes = SECRET,
    others: dict[str, bytes] | None = None,
    request_target: str = "",
    **headers: str,
) -> list[str] | None:
    """What is made of a request for `uri` that was signed over other values."""
    endpoint = Endpoint.parse(uri)
    signed = sign(
        target=endpoint.target if target is None else target,
        authority=authority or endpoint.authority,
        headers=FIELDS,
        key_id="key",
        secret=secret,
        nonce="MDEyMzQ1Njc4OWFiY2RlZjAx",
        created=1,
        expires=31,
    )
    request = Request(endpoint, canonical_headers((FIELDS | signed | headers).items()), request_target)
    found = signature_of(request.headers)
    assert found is not None
    return would_verify(found, request, SECRET, others or {})


def test_a_right_signature_needs_no_explanation():
    assert explained() == []


def test_what_is_not_usual_is_not_explained():
    assert explained(secret=b"something else") is None
    assert explained(target="/elsewhere") is None


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (SAMPLE_SECRET.encode(), "used as text"),
        (SAMPLE_SECRET.rstrip("=").encode(), "used as text"),
        (SAMPLE_SECRET.encode() + b"\n", "no line end"),
        (SECRET + b"\n", "a line end was taken"),
        (SECRET.hex().encode(), "hexadecimal"),
        (b"other secret", "another API key was used, other"),
    ],
)
def test_secrets_that_are_used_wrongly(secret, words):
    (because,) = explained(secret=secret, others={"other": b"other secret"}) or ()
    assert words in because


def test_a_secret_that_was_decoded_twice():
    inner = b"0123456789abcdef"
    endpoint = Endpoint.parse(URI)
    signed = sign(
        target=endpoint.target, authority=endpoint.authority, headers=FIELDS, key_id="key", secret=inner,
        nonce="MDEyMzQ1Njc4OWFiY2RlZjAx", created=1, expires=31,
    )  # fmt: skip
    request = Request(endpoint, canonical_headers((FIELDS | signed).items()))
    found = signature_of(request.headers)
    assert found is not None
    (because,) = would_verify(found, request, base64.b64encode(inner), {}) or ()
    assert "decoded twice" in because


@pytest.mark.parametrize(
    ("uri", "target", "words"),
    [
        (URI, "/ws/bot-7", "query was left out"),
        (URI, "/ws/bot-7/?lang=en%2DUS", "with a slash behind it"),
        ("wss://bot.example/ws/", "/ws", "without the slash behind it"),
        (URI, "/ws/bot-7?lang=en-US", "%XX"),
        (URI, URI, "whole URI"),
        ("wss://bot.example/ws", "ws", "without the slash before it"),
    ],
)
def test_targets_that_are_signed_wrongly(uri, target, words):
    (because,) = explained(uri, target=target) or ()
    assert words in because


def test_a_proxy_that_changes_the_path():
    (because,) = explained(target="/inner/ws", request_target="/inner/ws") or ()
    assert "request line, /inner/ws" in because


@pytest.mark.parametrize(
    ("uri", "authority", "headers", "words"),
    [
        ("wss://bot.example/", "bot.example:443", {}, "default port was kept"),
        ("ws://bot.example/", "bot.example:80", {}, "default port was kept"),
        ("wss://bot.example:8443/", "bot.example", {}, "port was left out"),
        ("ws://10.0.0.7:8080/", "bot.example", {"X-Forwarded-Host": "bot.example"}, "--trust-proxy"),
        ("wss://bot.example/", "inner:8080", {"Host": "inner:8080"}, "Host header, inner:8080"),
    ],
)
def test_authorities_behind_proxies_and_with_ports(uri, authority, headers, words):
    (because,) = explained(uri, authority=authority, **headers) or ()
    assert words in because


def test_several_mistakes_at_once_are_all_told():
    because = explained(secret=SAMPLE_SECRET.encode(), target="/ws/bot-7", authority="bot.example:443")
    assert because is not None
    assert len(because) == 3


def test_the_base_is_shown_even_where_values_are_missing():
    endpoint = Endpoint.parse(URI)
    signed = sign(
        target="/", authority="x", headers=FIELDS, key_id="key", secret=SECRET,
        nonce="n" * 22, created=1, expires=31,
    )  # fmt: skip
    found = signature_of(signed)
    assert found is not None
    base = base_of(found, Request(endpoint, signed))
    assert b'\n"audiohook-session-id": \n' in base
    assert signature_of({"signature-input": "nonsense(", "signature": "x"}) is None


@pytest.mark.parametrize("outcome", [each for each in Outcome if not Verdict(each, "k").ok])
def test_there_is_advice_for_every_refusal(outcome):
    if outcome not in (Outcome.REPLAYED, Outcome.PRECONDITION):  # judged by the reason; replays are not looked for
        assert advice(Verdict(outcome, "k", "whatever"))
    assert advice(Verdict(Outcome.VERIFIED, "k")) == ""
