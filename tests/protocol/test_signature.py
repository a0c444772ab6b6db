from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offhook.errors import UsageError
from offhook.protocol import signature
from offhook.protocol.signature import (
    STANDARD,
    NonceCache,
    Outcome,
    Verifier,
    canonical_headers,
    normal_authority,
    sign,
    signature_base,
)

KEY = "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh"
SECRET = base64.b64decode("TXlTdXBlclNlY3JldEtleVRlbGxOby0xITJAMyM0JDU=")
DECOY = b"\x07" * 32
NONCE = "VGhpc0lzQVVuaXF1ZU5vbmNl"
HEADERS = {
    "audiohook-organization-id": "d7934305-0972-4844-938e-9060eef73d05",
    "audiohook-session-id": "30b0e395-84d3-4570-ac13-9a62d8f514c0",
    "audiohook-correlation-id": "e160e428-53e2-487c-977d-96989bf5c99d",
    "x-api-key": KEY,
}
TARGET = "/api/v1/voicebiometrics/ws"
HOST = "audiohook.example.com"
T0 = 1641013200
FULL = ";".join([f'keyid="{KEY}"', f'nonce="{NONCE}"', 'alg="hmac-sha256"', f"created={T0}", f"expires={T0 + 30}"])

# What `sign` is given, and what comes out (P2.8)
COMMON: dict[str, Any] = {
    "target": TARGET, "authority": HOST, "headers": HEADERS, "key_id": KEY, "secret": SECRET, "nonce": NONCE,
    "created": T0, "expires": T0 + 30,
}  # fmt: skip
HOST_FOR_AUTHORITY = ["host" if name == "@authority" else name for name in STANDARD]
A = COMMON | {"expires": 3282026430}
D = COMMON | {
    "target": "/connector/v1/bot-7?lang=en-US&mode=test", "authority": "bot.example.com",
    "nonce": "MDEyMzQ1Njc4OWFiY2RlZjAx", "created": 1767225600, "expires": 1767225630,
}  # fmt: skip
E = D | {"authority": "bot.example.com:8443", "components": [STANDARD[i] for i in (0, 3, 2, 4, 5, 1)]}
VECTORS = [
    (A, "NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4="),
    (A | {"components": HOST_FOR_AUTHORITY}, "zupMJUMfd/kMuvKc5zhRyfJPE3jTROuz1S1hn8SCTpE="),
    (D, "CgKdjd6/fhzSKNluFPto5oi/u5Y1jHUMxfJAeB2xO9c="),
    (E, "ulSuJwG9LIx/6G4qLExI9RqqdWVs35hcTyzAew0KO0g="),
]


def by_hand(components: Any = STANDARD, params: str = FULL, secret: bytes = SECRET, **values: str) -> dict[str, str]:
    """Sign without the code under test. A component may bring its parameters: `'date";sf'` has one quote of its own."""
    known = {"@request-target": TARGET, "@authority": HOST, "host": HOST, **HEADERS, **values}
    names = [f'"{name}"' if '"' not in name else f'"{name}' for name in components]
    lines = [f"{name}: {known.get(name.split(chr(34))[1], 'x')}" for name in names]
    text = f"({' '.join(names)})" + (f";{params}" if params else "")
    base = "\n".join([*lines, f'"@signature-params": {text}'])
    mac = base64.b64encode(hmac.digest(secret, base.encode(), "sha256")).decode()
    return {**HEADERS, "signature-input": f"sig1={text}", "signature": f"sig1=:{mac}:"}


def without(text: str) -> str:
    return ";".join(part for part in FULL.split(";") if not part.startswith(text))


def judge(headers: dict[str, str], now: float = T0 + 1, verifier: Verifier | None = None, **change: Any) -> Any:
    verifier = verifier or Verifier({KEY: SECRET}, decoy=DECOY)
    return verifier.verify(**{"target": TARGET, "authority": HOST, "headers": headers, "now": now, **change})


@pytest.mark.parametrize(("given", "expected"), VECTORS, ids="ABDE")
def test_vector_is_signed_and_verified(given: dict[str, Any], expected: str) -> None:
    fields = sign(**given)
    assert fields["signature"] == f"sig1=:{expected}:"
    verdict = judge(HEADERS | fields, now=given["created"] + 2, target=given["target"], authority=given["authority"])
    assert (verdict.outcome, verdict.key_id, verdict.ok) == (Outcome.VERIFIED, KEY, True)


def test_vector_a_verifies_without_age_limit_before_2074() -> None:
    headers = by_hand(params=FULL.replace(str(T0 + 30), "3282026430"))
    assert headers["signature"] == "sig1=:NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:"
    assert judge(headers, now=1.9e9, verifier=Verifier({KEY: SECRET}, decoy=DECOY, max_age=None)).ok
    assert judge(headers, now=1.9e9).outcome is Outcome.EXPIRED


def test_signature_bases_of_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    bases: list[bytes] = []
    monkeypatch.setattr(signature, "signature_base", lambda *args: bases.append(signature_base(*args)) or bases[-1])
    sign(**A)
    sign(**D)
    a, d = [hashlib.sha256(base).hexdigest() for base in bases]
    assert len(bases[0]) == 593
    assert a == "6fc7f72e95dddd7420441f42fb08c533151f55c9d4603a3632cdebb4488afd5f"
    assert (d[:8], d[-4:]) == ("3805ccf8", "c386")


def test_vector_c_of_the_draft_rfc() -> None:
    secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
    values = {"date": "Tue, 20 Apr 2021 02:07:55 GMT", "@authority": "example.com", "content-type": "application/json"}
    base = signature_base(values, '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"')
    mac = base64.b64encode(hmac.digest(base64.b64decode(secret), base, "sha256"))
    assert mac == b"pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="


P, I, U = Outcome.PRECONDITION, Outcome.INVALID, Outcome.UNSUPPORTED  # noqa: E741
good = by_hand()
ROWS = {
    "1 no key": ({k: v for k, v in good.items() if k != "x-api-key"}, P),
    "1 empty key": (good | {"x-api-key": ""}, P),
    "2 input does not parse": (good | {"signature-input": 'sig1=("a'}, I),
    "2 not ASCII": (good | {"signature-input": good["signature-input"] + ";é=1"}, I),
    "3 input only": ({k: v for k, v in good.items() if k != "signature"}, I),
    "3 signature only": ({k: v for k, v in good.items() if k != "signature-input"}, I),
    "4 other label": (good | {"signature": good["signature"].replace("sig1", "sig2")}, I),
    "4 signature is a string": (good | {"signature": 'sig1="abc"'}, I),
    "4 component is a token": (good | {"signature-input": "sig1=(date);created=1"}, I),
    "4 second signature is broken": (good | {"signature-input": good["signature-input"] + ", sig2=1"}, I),
    "5 unknown parameter": (by_hand(params=FULL + ';tag="x"'), I),
    "5 created is a string": (by_hand(params=FULL.replace(f"created={T0}", f'created="{T0}"')), I),
    "5 created is negative": (by_hand(params=FULL.replace(f"created={T0}", "created=-1")), I),
    "5 expires is huge": (by_hand(params=FULL.replace(f"expires={T0 + 30}", "expires=" + "9" * 16)), I),
    "9 no created": (by_hand(params=without("created")), P),
    "10 @signature-params": (by_hand([*STANDARD, "@signature-params"]), I),
    "10 @query-params": (by_hand([*STANDARD, '@query-params";name="a"']), U),
    "10 sf": (by_hand([*STANDARD[:5], 'x-api-key";sf']), U),
    "10 bs": (by_hand([*STANDARD[:5], 'x-api-key";bs']), U),
    "10 req": (by_hand(['@request-target";req', *STANDARD[1:]]), U),
    "10 other parameter": (by_hand([*STANDARD[:5], 'x-api-key";key="a"']), I),
    "10 unknown derived": (by_hand([*STANDARD, "@body"]), I),
    "10 duplicate derived": (by_hand([*STANDARD, "@authority"]), I),
    "10 duplicate field": (by_hand([*STANDARD, "x-api-key"]), I),
    "10 unresolvable": (by_hand([*STANDARD, "@status"]), P),
    "10 absent field": (by_hand([*STANDARD, "date"]), P),
    "10 empty field": (by_hand([*STANDARD, "origin"], origin="") | {"origin": ""}, P),
    "10 name in capitals": (by_hand([*STANDARD[:5], "X-API-KEY"]), P),
    "10 the signature itself": (by_hand([*STANDARD, "signature"]), U),
    "11 nothing covered": (by_hand([]), P),
    **{f"11 without {name}": (by_hand([n for n in STANDARD if n != name]), P) for name in STANDARD},
    "13 no nonce": (by_hand(params=without("nonce")), P),
    "13 short nonce": (by_hand(params=FULL.replace(NONCE, "x" * 21)), P),
    "14 no keyid": (by_hand(params=without("keyid")), P),
    "14 other keyid": (by_hand(params=FULL.replace(KEY, "abc")), P),
    "16 other algorithm": (by_hand(params=FULL.replace("sha256", "sha512")), U),
    "17 other secret": (by_hand(secret=b"other"), Outcome.FAILED),
    "17 short signature": (good | {"signature": "sig1=:YQ==:"}, Outcome.FAILED),
    "17 empty signature": (good | {"signature": "sig1=::"}, Outcome.FAILED),
}


@pytest.mark.parametrize("row", ROWS)
def test_row_of_verification_table(row: str) -> None:
    headers, outcome = ROWS[row]
    verdict = judge(headers)
    assert verdict.outcome is outcome
    assert not verdict.ok
    assert verdict.reason
    assert len(verdict.reason) < 200


@pytest.mark.parametrize(("name", "max_age"), [("alg", 10), ("expires", 10), ("created", None)])
def test_parameter_may_be_left_out(name: str, max_age: float | None) -> None:
    assert judge(by_hand(params=without(name)), verifier=Verifier({KEY: SECRET}, decoy=DECOY, max_age=max_age)).ok


@pytest.mark.parametrize(
    ("tighten", "max_age", "first", "last", "too_late"),
    [
        (False, 10, -3, 13, 13.5),  # P15 row 7: the skew widens
        (True, 10, -3, 7, 7.5),  # P2.6 step 9: the vendor's sample, 7 s
        (False, None, -3, 33, 33.5),  # expires = created + 30 s
        (True, None, -3, 27, 27.5),  # P2.6 step 8
        (False, 60, -3, 33, 33.5),
    ],
)
def test_limits_of_time(tighten: bool, max_age: float | None, first: float, last: float, too_late: float) -> None:
    def outcome(offset: float) -> Outcome:
        verifier = Verifier({KEY: SECRET}, decoy=DECOY, max_age=max_age, tighten=tighten)
        return judge(good, now=T0 + offset, verifier=verifier).outcome

    assert outcome(first - 0.5) is Outcome.PRECONDITION
    assert outcome(first) is outcome(last) is Outcome.VERIFIED
    assert outcome(too_late) is Outcome.EXPIRED


def test_base_is_made_anew_from_the_parsed_form() -> None:
    padded = good["signature-input"].replace("(", "(  ").replace(" ", "   ").replace(";", ";  ")
    assert padded != good["signature-input"]
    assert judge(good | {"signature-input": padded}).ok
    values = {"@request-target": TARGET, "@authority": HOST, **HEADERS}
    base = signature_base(values, padded.removeprefix("sig1="))
    over_padding = base64.b64encode(hmac.digest(SECRET, base, "sha256")).decode()
    headers = good | {"signature-input": padded, "signature": f"sig1=:{over_padding}:"}
    assert judge(headers).outcome is Outcome.FAILED


def test_one_of_several_signatures_counts() -> None:
    bad = by_hand(secret=b"other")
    both = good | {
        "signature-input": good["signature-input"] + ", " + bad["signature-input"].replace("sig1", "z-2.x*"),
        "signature": bad["signature"].replace("sig1", "z-2.x*") + "," + good["signature"],
    }
    assert judge(both).ok
    last = Verifier({KEY: SECRET}, decoy=DECOY, label="z-2.x*")
    assert judge(both, verifier=last).outcome is Outcome.FAILED
    assert judge(good, verifier=last).outcome is Outcome.PRECONDITION


# Whose key it is (P2.6 step 15, P2.7)


def test_unsigned_only_where_the_secret_is_configured_empty() -> None:
    verifier = Verifier({KEY: b"", "other": SECRET}, decoy=DECOY)
    verdict = judge(HEADERS, verifier=verifier)
    assert (verdict.outcome, verdict.ok) == (Outcome.KEY_ONLY, True)
    for key in ("other", "unknown"):
        verdict = judge(HEADERS | {"x-api-key": key}, verifier=verifier)
        assert (verdict.outcome, verdict.ok) == (Outcome.UNSIGNED, False)
    assert judge(HEADERS | {"signature": "", "signature-input": " "}, verifier=verifier).ok


@pytest.mark.parametrize("keys", [{}, {KEY: b""}])
@pytest.mark.parametrize("secret", [b"", b"\0" * 32, DECOY, SECRET])
def test_no_signature_passes_without_a_secret(keys: dict[str, bytes], secret: bytes) -> None:
    verdict = judge(by_hand(secret=secret), verifier=Verifier(keys, decoy=DECOY))
    assert verdict.outcome is Outcome.FAILED


def test_unknown_key_costs_the_same_work_as_a_wrong_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    digest, compare, calls = hmac.digest, hmac.compare_digest, []
    monkeypatch.setattr(hmac, "digest", lambda *a: calls.append(("digest", *map(len, a))) or digest(*a))
    monkeypatch.setattr(hmac, "compare_digest", lambda *a: calls.append(("compare", *map(len, a))) or compare(*a))
    wrong = by_hand(secret=b"x")
    calls.clear()
    for keys in ({KEY: bytes(range(32))}, {KEY: b""}, {}):
        assert not judge(wrong, verifier=Verifier(keys, decoy=DECOY)).ok
    assert [name for name, *_ in calls] == ["digest", "compare"] * 3
    assert calls[:2] == calls[2:4] == calls[4:]


def test_an_empty_decoy_is_refused() -> None:
    with pytest.raises(ValueError, match="token_bytes"):
        Verifier({}, decoy=b"")


def test_a_nonce_passes_once() -> None:
    verifier = Verifier({KEY: SECRET}, decoy=DECOY)
    assert judge(good, verifier=verifier).ok
    again = judge(good, now=T0 + 13, verifier=verifier)  # the last moment at which it could pass
    assert (again.outcome, again.ok) == (Outcome.REPLAYED, False)
    assert judge(by_hand(params=FULL.replace(NONCE, NONCE[::-1])), verifier=verifier).ok


def test_replay_may_be_logged_only_or_not_looked_for() -> None:
    for mode, reason in (("log", "the nonce was used before"), ("off", "")):
        verifier = Verifier({KEY: SECRET}, decoy=DECOY, replay=mode)  # type: ignore[arg-type]
        assert judge(good, verifier=verifier).reason == ""
        again = judge(good, verifier=verifier)
        assert (again.ok, again.reason) == (True, reason)


def test_only_verified_nonces_are_remembered() -> None:
    nonces = NonceCache(capacity=2)
    verifier = Verifier({KEY: SECRET}, decoy=DECOY, nonces=nonces)
    assert judge(good, verifier=verifier).ok
    for n in range(5):
        judge(by_hand(secret=b"x", params=FULL.replace(NONCE, f"{n:024}")), verifier=verifier)
    assert len(nonces) == 1
    assert judge(good, verifier=verifier).outcome is Outcome.REPLAYED


def test_nonce_cache_is_bounded_for_each_key_by_itself() -> None:
    nonces = NonceCache(capacity=3)
    assert nonces.add("a", "first", until=100, now=0)
    assert all(nonces.add("b", f"n{n}", until=100, now=0) for n in range(50))
    assert len(nonces) == 4
    assert not nonces.add("a", "first", until=100, now=0)
    assert nonces.add("b", "first", until=100, now=0)
    assert not nonces.add("b", "n49", until=100, now=0)
    assert nonces.add("b", "n0", until=100, now=0)  # the oldest made room


def test_nonce_cache_forgets_what_can_no_longer_pass() -> None:
    nonces = NonceCache()
    for n in range(100):
        nonces.add("a", f"n{n}", until=10 + n, now=n)
    assert not nonces.add("a", "n99", until=200, now=109)
    assert nonces.add("a", "n99", until=200, now=109.1)
    assert len(nonces) == 1


# What is covered, in any order (P15 row 6)


@given(st.permutations([*STANDARD, "origin", "host"]), st.permutations(FULL.split(";")))
def test_any_order_and_extra_components_verify(components: list[str], params: list[str]) -> None:
    headers = by_hand(components, ";".join(params), origin="https://example.com") | {"origin": "https://example.com"}
    assert judge(headers).ok


@given(st.permutations(HOST_FOR_AUTHORITY))
def test_host_stands_for_authority(components: list[str]) -> None:
    assert judge(by_hand(components)).ok
    assert not judge(by_hand(components), authority="other.example.com").ok


def test_host_is_what_the_client_addressed_not_what_a_proxy_wrote() -> None:
    assert judge(by_hand(HOST_FOR_AUTHORITY) | {"host": "10.0.0.7:8080"}).ok
    assert judge(by_hand(HOST_FOR_AUTHORITY, host="Bot.example.com:443"), authority="Bot.example.com:443").ok


@given(st.integers(0), st.integers(0, 6), st.sampled_from(["target", "authority", "signature", *HEADERS]))
def test_one_bit_decides(position: int, bit: int, where: str) -> None:
    def flip(text: str) -> str:
        raw = bytearray(text.encode())
        raw[position % len(raw)] ^= 1 << bit
        return raw.decode("latin-1")

    headers, change = dict(good), {}
    if where == "signature":
        mac = bytearray(base64.b64decode(good["signature"][6:-1]))
        mac[position % len(mac)] ^= 1 << bit
        headers["signature"] = f"sig1=:{base64.b64encode(mac).decode()}:"
    elif where in HEADERS:
        headers[where] = flip(headers[where])
    else:
        change[where] = flip({"target": TARGET, "authority": HOST}[where])
    assert judge(headers, **change).ok is (change.get("authority", "").lower() == HOST)


PIECES = ["sig1", "=", "(", ")", '"', "x-api-key", '"@authority"', ";", "sf", "created=1", ",", " ", ":", "YQ==", "?1",
          "é", "\\", "@1", "%\"", "-", "9" * 20, "1.5", "\x00", "\ud800", "\t"]  # fmt: skip
texts = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


@given(texts, texts, texts)
@example(good["signature-input"], good["signature"] * 2000, "x")
@example("sig1=" + "(" * 4000 + ")" * 4000, "sig1=:YQ==:", "x")
@example("sig1=(" + ' "a"' * 25_000 + ")", "sig1=:YQ==:", "x")
@example("sig1=()", "sig1=:YQ==:", "x")
@example("a" * 1000 + "=(", "sig1=:YQ==:", "x")
@example(good["signature-input"], good["signature"], "a\nb")
@example(good["signature-input"], good["signature"], "é" * 100_000)
def test_anything_gives_a_verdict(signature_input: str, mac: str, session: str) -> None:
    headers = HEADERS | {"signature-input": signature_input, "signature": mac, "audiohook-session-id": session}
    verdict = judge(headers)
    assert verdict.outcome in Outcome
    assert not verdict.ok
    assert len(verdict.reason) < 200


def test_a_value_cannot_forge_a_line() -> None:
    """`origin` swallows the line of the organisation: the bytes are equal, the meaning is not."""
    forged = "x\n" + f'"audiohook-organization-id": {HEADERS["audiohook-organization-id"]}'
    headers = by_hand(["origin", *STANDARD], origin=forged) | {"origin": forged}
    assert judge(headers).outcome is Outcome.INVALID


# Signing, and the values that enter the base


BAD = [{"secret": b""}, {"nonce": "é" * 22}, {"label": "UPPER"}, {"target": "/é"}, {"components": ["date"]},
       {"created": 10**15}, {"headers": {}}]  # fmt: skip


@pytest.mark.parametrize("change", BAD)
def test_signing_refuses_what_cannot_be_signed(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="sign") as caught:
        sign(**COMMON | change)
    assert SECRET.decode() not in str(caught.value)


def test_signing_takes_names_in_any_case() -> None:
    headers = {name.title(): f"  {value} " for name, value in HEADERS.items()}
    fields = sign(**COMMON | {"headers": headers, "authority": HOST.upper(), "label": "other"})
    assert judge(HEADERS | fields).ok


def test_canonical_headers() -> None:
    pairs = [("X-Api-Key", " a "), ("Via", "one \r\n\t two"), ("x-API-key", "b\t"), ("Empty", "")]
    assert canonical_headers(pairs) == {"x-api-key": "a, b", "via": "one two", "empty": ""}


HOSTS = [("Bot.Example.COM", "bot.example.com", "bot.example.com"), ("h:443", "h", "h"), ("h:80", "h:80", "h"),
         ("h:8443", "h:8443", "h:8443"), ("[::1]:443", "[::1]", "[::1]"), ("[::443]",) * 3]  # fmt: skip


@pytest.mark.parametrize(("host", "with_tls", "plain"), HOSTS)
def test_normal_authority(host: str, with_tls: str, plain: str) -> None:
    assert normal_authority(host, secure=True) == with_tls
    assert normal_authority(host, secure=False) == plain
