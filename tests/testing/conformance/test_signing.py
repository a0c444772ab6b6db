"""The suite's own signatures against the vectors: the vendor's, and those that were worked out by hand (P2.8)."""

from __future__ import annotations

import base64

import pytest

from offhook.testing.conformance import signing
from offhook.testing.conformance.signing import COVERED, Signing

FIELDS = {
    "Audiohook-Organization-Id": "d7934305-0972-4844-938e-9060eef73d05",
    "Audiohook-Session-Id": "30b0e395-84d3-4570-ac13-9a62d8f514c0",
    "Audiohook-Correlation-Id": "e160e428-53e2-487c-977d-96989bf5c99d",
    "X-API-KEY": "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh",
}
SECRET = base64.b64decode("TXlTdXBlclNlY3JldEtleVRlbGxOby0xITJAMyM0JDU=")
HOST_FIRST = tuple("host" if name == "@authority" else name for name in COVERED)
OTHER_ORDER = (
    "@request-target", "audiohook-session-id", "audiohook-organization-id", "audiohook-correlation-id", "x-api-key",
    "@authority",
)  # fmt: skip
BOT = "/connector/v1/bot-7?lang=en-US&mode=test"
OFFICIAL = ("/api/v1/voicebiometrics/ws", "audiohook.example.com", "VGhpc0lzQVVuaXF1ZU5vbmNl", 1641013200, 3282026430)


@pytest.mark.parametrize(
    ("request_", "components", "expected"),
    [
        pytest.param(OFFICIAL, COVERED, "NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=", id="A"),
        pytest.param(OFFICIAL, HOST_FIRST, "zupMJUMfd/kMuvKc5zhRyfJPE3jTROuz1S1hn8SCTpE=", id="B"),
        pytest.param((BOT, "bot.example.com", "MDEyMzQ1Njc4OWFiY2RlZjAx", 1767225600, 1767225630), COVERED,
                     "CgKdjd6/fhzSKNluFPto5oi/u5Y1jHUMxfJAeB2xO9c=", id="D"),
        pytest.param((BOT, "bot.example.com:8443", "MDEyMzQ1Njc4OWFiY2RlZjAx", 1767225600, 1767225630), OTHER_ORDER,
                     "ulSuJwG9LIx/6G4qLExI9RqqdWVs35hcTyzAew0KO0g=", id="E"),
    ],
)  # fmt: skip
def test_vectors(
    monkeypatch: pytest.MonkeyPatch,
    request_: tuple[str, str, str, int, int],
    components: tuple[str, ...],
    expected: str,
) -> None:
    target, authority, nonce, created, expires = request_
    monkeypatch.setattr(signing.time, "time", lambda: float(created))
    made = Signing(components=components, nonce=nonce, lifetime=expires - created)
    assert made.sign(FIELDS, target, authority, SECRET)["Signature"] == f"sig1=:{expected}:"
