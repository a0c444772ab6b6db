"""`offhook keys`: what it makes, signs and judges, with the vectors of the protocol sheet (P2.8)."""

from __future__ import annotations

import base64
import json
import shlex
import time

import pytest
from tests.cli.running import ID, ORGANIZATION, Ran, offhook, wrong_use

from offhook.session.keys import SAMPLE_KEY, SAMPLE_SECRET, KeyStore, decode_secret

URI = "wss://audiohook.example.com/api/v1/voicebiometrics/ws"
VECTOR = f"""\
GET /api/v1/voicebiometrics/ws HTTP/1.1
Host: audiohook.example.com
Audiohook-Organization-Id: {ORGANIZATION}
Audiohook-Session-Id: {ID}
Audiohook-Correlation-Id: e160e428-53e2-487c-977d-96989bf5c99d
X-API-KEY: {SAMPLE_KEY}
Signature-Input: sig1=("@request-target" "@authority" "audiohook-organization-id" "audiohook-session-id" \
"audiohook-correlation-id" "x-api-key");keyid="{SAMPLE_KEY}";nonce="VGhpc0lzQVVuaXF1ZU5vbmNl";alg="hmac-sha256";\
created=1641013200;expires=3282026430
Signature: sig1=:NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:
"""
"""Vector A."""
SAMPLE = ("--key", SAMPLE_KEY, "--secret", SAMPLE_SECRET)


def verify(headers: str, *options: str, uri: str = URI) -> Ran:
    return offhook("keys", "verify", uri, *(options or (*SAMPLE, "--no-age")), stdin=headers)


def sign(*options: str, uri: str = URI) -> str:
    return offhook("keys", "sign", uri, *SAMPLE, *options).out


def test_new_keys_are_fresh_and_serve_takes_them(tmp_path):
    first, second = (offhook("keys", "new", "--json").json for _ in range(2))
    assert first != second
    assert KeyStore.from_pairs({first["key"]: first["secret"]})[first["key"]] == decode_secret(first["secret"])
    (tmp_path / "keys.toml").write_text(offhook("keys", "new", "--toml").out)
    ((_, secret),) = KeyStore.from_file(tmp_path / "keys.toml").items()
    assert len(secret) == 32


def test_new_says_what_to_do_with_them():
    text = offhook("keys", "new").out
    for words in ("API key", "Client secret", "Genesys Cloud", "Credentials", "--keys keys.toml", "[keys]"):
        assert words in text


def test_signs_the_official_vector():
    given = ("--session", ID, "--correlation", "e160e428-53e2-487c-977d-96989bf5c99d")
    text = sign(*given, "--nonce", "VGhpc0lzQVVuaXF1ZU5vbmNl", "--created", "1641013200")
    # The vector's `expires` is its own; all the rest of its header is ours.
    wanted = VECTOR.split("Signature-Input: ")[1].split(";expires")[0]
    assert f"Signature-Input: {wanted};expires=1641013230" in text


def test_without_a_secret_nothing_is_signed():
    headers = offhook("keys", "sign", URI, "--key", "abc", "--json").json
    assert headers["X-API-KEY"] == "abc"
    assert "Signature" not in headers


def test_what_it_signs_it_verifies_and_only_now():
    headers = sign()
    assert verify(headers, *SAMPLE).code == 0
    late = verify(headers, *SAMPLE, "--at", str(time.time() + 60), "--json")
    assert (late.code, late.json["outcome"], late.json["signature_matches"]) == (1, "expired", True)
    early = verify(headers, *SAMPLE, "--at", str(time.time() - 60))
    assert "clock" in early.out
    assert "The signature itself is right." in early.out
    assert verify(headers, *SAMPLE, "--at", str(time.time() + 60), "--max-age", "90", "--skew", "40").code == 0


def test_verifies_the_official_vector_and_shows_its_base():
    ran = verify(VECTOR)
    assert ran.code == 0
    assert ran.out.startswith("VERIFIED\n")
    assert '\n  "@request-target": /api/v1/voicebiometrics/ws\n  "@authority": audiohook.example.com\n' in ran.out
    assert verify(VECTOR, *SAMPLE).code == 1  # it is of 2022


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"> {line}\r\n" for line in VECTOR.splitlines()),
        json.dumps(dict(line.split(": ", 1) for line in VECTOR.splitlines()[1:])),
        VECTOR.replace("sig1=:", "\n  sig1=:"),
        f"* Trying\n{VECTOR}\n< HTTP/1.1 401 Unauthorized\n",
    ],
    ids=["curl", "json", "folded", "curl -v"],
)
def test_takes_headers_as_people_have_them(text):
    assert verify(text).code == 0


def test_takes_headers_as_options():
    options = [word for line in VECTOR.splitlines()[1:] for word in ("-H", line)]
    assert offhook("keys", "verify", URI, *SAMPLE, "--no-age", *options).code == 0


def test_takes_keys_from_a_file_and_from_the_environment(tmp_path, monkeypatch):
    (tmp_path / "keys.toml").write_text(f'[keys]\n"{SAMPLE_KEY}" = "{SAMPLE_SECRET}"\n')
    assert verify(VECTOR, "--keys", str(tmp_path / "keys.toml"), "--no-age").code == 0
    assert "give --key" in wrong_use(verify(VECTOR, "--no-age"))
    monkeypatch.setenv("STATIC_API_KEY_MAP", json.dumps({SAMPLE_KEY: SAMPLE_SECRET}))
    assert verify(VECTOR, "--no-age").code == 0
    monkeypatch.setenv("OFFHOOK_KEYS_VERIFY_NO_AGE", "1")
    assert verify(VECTOR, "--skew", "3").code == 0


@pytest.mark.parametrize(
    ("change", "outcome", "advice"),
    [
        (("X-API-KEY", "X-Other"), "precondition", "X-API-KEY is missing"),
        (("Signature-Input", "X-Other"), "invalid", "belong together"),
        (("created=1641013200;", ""), "precondition", "no `created`"),
        (("VGhpc0lzQVVuaXF1ZU5vbmNl", "short"), "precondition", "22 characters"),
        ((f'keyid="{SAMPLE_KEY}"', 'keyid="other"'), "precondition", "must repeat"),
        (('"@authority" ', ""), "precondition", "All six components"),
        (("Audiohook-Correlation-Id:", "X-Other:"), "precondition", "not in the request"),
        (("hmac-sha256", "hmac-sha512"), "unsupported", "Only hmac-sha256"),
        (("sig1=(", "sig1=["), "invalid", "structured fields"),
        (("NZBwyBHR", "AAAAAAAA"), "failed", "line by line"),
        ((f"X-API-KEY: {SAMPLE_KEY}", "X-API-KEY: abc"), "precondition", "must repeat"),
    ],
)
def test_every_refusal_comes_with_advice(change, outcome, advice):
    assert change[0] in VECTOR
    # The clock of the vector, so that only what was changed is wrong.
    ran = verify(VECTOR.replace(*change), *SAMPLE, "--at", "1641013201", "--json")
    assert (ran.code, ran.json["outcome"]) == (1, outcome)
    assert advice in ran.json["advice"]


def test_an_unsigned_request_is_let_in_only_without_a_secret():
    bare = "\n".join(line for line in VECTOR.splitlines() if not line.startswith("Signature"))
    assert "UNSIGNED" in verify(bare).out
    assert verify(bare, "--key", SAMPLE_KEY).code == 0


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (("keys", "sign", "http://x.example/", *SAMPLE), "ws://"),
        (("keys", "sign", URI, "--key", "k", "--secret", "not base64!"), "base64"),
        (("keys", "sign", URI, *SAMPLE, "--curl", "--json"), "one of"),
        (("keys", "sign", URI, *SAMPLE, "--session", "two words"), "printable"),
        (("keys", "new", "--json", "--toml"), "one of"),
        (("keys", "verify", URI, *SAMPLE), "give the headers"),
        (("keys", "verify", URI, *SAMPLE, "--no-age", "--at", "1"), "one of"),
        (("keys", "verify", URI, *SAMPLE, "--keys", "x"), "one of"),
        (("keys", "verify", URI, "--keys", "/nowhere/keys.toml"), "cannot read"),
        (("keys", "verify", URI, *SAMPLE, "-H", "no header"), "no header line"),
    ],
)
def test_wrong_use_is_one_line(given, wrong):
    assert wrong in wrong_use(offhook(*given))


def test_no_message_shows_a_secret():
    for ran in (verify(VECTOR), verify(VECTOR, *SAMPLE), verify("X: y"), verify(VECTOR, "--key", "k", "--secret", "A")):
        assert SAMPLE_SECRET not in ran.out + ran.err
        assert decode_secret(SAMPLE_SECRET).decode() not in ran.out + ran.err


def test_curl_gets_what_is_signed_to_the_letter():
    words = shlex.split(sign("--curl", uri="wss://h.example:8443/a/../b?c=[1]&d='x'"))
    assert words[0] == "curl"
    assert words[-1] == "https://h.example:8443/a/../b?c=[1]&d='x'"
    assert {"--path-as-is", "--globoff", "--http1.1"} <= set(words)
    headers = dict(words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "--header")
    assert len(base64.b64decode(headers["Sec-WebSocket-Key"])) == 16
    assert headers["Upgrade"] == "websocket"
    text = "\n".join(f"{name}: {value}" for name, value in headers.items())
    assert verify(text, *SAMPLE, uri="wss://h.example:8443/a/../b?c=[1]&d='x'").code == 0
