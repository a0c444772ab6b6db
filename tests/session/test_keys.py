from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.errors import KeyFileError, UsageError
from offhook.protocol.signature import Verifier, canonical_headers
from offhook.session.keys import (
    SAMPLE_KEY,
    SAMPLE_SECRET,
    Endpoint,
    KeyStore,
    decode_secret,
    generate,
    sign_request,
)

ORGANIZATION = "d7934305-0972-4844-938e-9060eef73d05"
SESSION = "30b0e395-84d3-4570-ac13-9a62d8f514c0"
CORRELATION = "e160e428-53e2-487c-977d-96989bf5c99d"
IDS = (ORGANIZATION, SESSION, CORRELATION)
TELLTALE = "c2VjcmV0X3RlbGx0YWxlXw"  # must never be shown
KEY_RULE = re.compile(r"^[a-zA-Z0-9+/_-]+={0,2}$")  # P2.4
SECRET_RULE = re.compile(r"^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{3}=?|[A-Za-z\d+/]{2}(?:==)?)?$")  # P2.4


# Where keys come from


def test_sample() -> None:
    keys = KeyStore.sample()
    assert dict(keys) == {SAMPLE_KEY: b"MySuperSecretKeyTellNo-1!2@3#4$5"}
    assert keys.uses_sample
    assert base64.b64decode(SAMPLE_KEY) == b"Hello, I am the API key!"


def test_sample_key_with_a_secret_of_its_own_is_no_sample() -> None:
    assert not KeyStore.from_pairs({SAMPLE_KEY: TELLTALE}).uses_sample
    assert KeyStore.from_pairs({SAMPLE_KEY: ""}).uses_sample
    assert not KeyStore().uses_sample


def test_pairs() -> None:
    keys = KeyStore.from_pairs({"a": "YWI=", "b": "YWI", "c": "", "d==": None})
    assert dict(keys) == {"a": b"ab", "b": b"ab", "c": b"", "d==": b""}
    assert keys.get("a") == keys["a"] == b"ab"
    assert keys.get("x") is None
    assert "x" not in keys


@given(st.binary(min_size=1).filter(any))
def test_secret_is_base64_with_or_without_padding(raw: bytes) -> None:
    text = base64.b64encode(raw).decode()
    assert decode_secret(text) == decode_secret(text.rstrip("=")) == raw


@given(st.text(st.sampled_from("Aa9+/=-_ \n")))
def test_secret_follows_the_platforms_rule(text: str) -> None:
    if SECRET_RULE.match(text) and "\n" not in text:
        assert len(decode_secret("b" * 4 + text)) == 3 + len(text.rstrip("=")) * 3 // 4
    else:
        with pytest.raises(KeyFileError, match="base64"):
            decode_secret(text)


@pytest.mark.parametrize("secret", ["AA==", "AA", "A" * 43 + "="])
def test_secret_of_zeros_is_refused(secret: str) -> None:
    with pytest.raises(KeyFileError, match="zero bytes"):
        decode_secret(secret)


def test_file(tmp_path: Path) -> None:
    path = tmp_path / "offhook.toml"
    path.write_text('\ufeffport = 3000\n[keys]\nplain = ""\n"with+/==" = "YWI="\n[other]\nx = 1\n')
    assert dict(KeyStore.from_file(path)) == {"plain": b"", "with+/==": b"ab"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f'[keys]\na = "{TELLTALE}" x', r"is not TOML: see at line 2"),
        (f'[keys]\na = "{TELLTALE}', r"is not TOML: see at"),
        (f'{TELLTALE} = "a"', r"needs a table \[keys\]"),
        ('keys = "a"', r"needs a table \[keys\]"),
        ("[keys]\na = 1", r"needs a table \[keys\]"),
        (f'[keys]\na = "ab="\nb = "{TELLTALE}"', r"must be base64 \(key 1\)"),
        (f'[keys]\na = "{TELLTALE}"\n"!{TELLTALE}" = ""', r"key 2 may have letters"),
        ("[keys]\na = '\xe9'".encode("latin-1"), r"is not UTF-8"),
        ("[keys]\na = " + "[" * 5_000, r"nested too deeply"),
        ("[keys]\na = " + "9" * 5_000, r"a number too long"),
        (None, r"cannot read the key file .*: No such file"),
    ],
)
def test_bad_file(tmp_path: Path, content: str | bytes | None, message: str) -> None:
    path = tmp_path / "keys.toml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(KeyFileError, match=message) as caught:
        KeyStore.from_file(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert TELLTALE not in str(caught.value)


@pytest.mark.parametrize(
    "environ",
    [
        {"OFFHOOK_KEYS": '{"k1": "YWI=", "k2==": "", "k3": "YWI"}'},
        {"OFFHOOK_KEYS": "k1=YWI=,k2===, k3=YWI"},
        {"STATIC_API_KEY_MAP": '{"k1": "YWI=", "k2==": null, "k3": "YWI"}'},
        {"OFFHOOK_KEYS": " ", "STATIC_API_KEY_MAP": ' {"k1": "YWI=", "k2==": "", "k3": "YWI"}'},
        {"OFFHOOK_KEYS": "k1=YWI=,k2===,k3=YWI", "STATIC_API_KEY_MAP": "{}"},
    ],
)
def test_environment(environ: dict[str, str]) -> None:
    assert dict(KeyStore.from_env(environ)) == {"k1": b"ab", "k2==": b"", "k3": b"ab"}


def test_empty_environment_has_no_keys() -> None:
    assert not KeyStore.from_env({})


@given(
    st.dictionaries(
        st.from_regex(r"\A[a-zA-Z0-9+/_-]+={0,2}\Z"), st.binary().filter(lambda raw: any(raw) or not raw), min_size=1
    )
)
def test_short_form_reads_keys_and_secrets_that_end_with_equal_signs(pairs: dict[str, bytes]) -> None:
    text = ",".join(f"{key}={base64.b64encode(secret).decode()}" for key, secret in pairs.items())
    assert dict(KeyStore.from_env({"OFFHOOK_KEYS": text})) == pairs


@pytest.mark.parametrize(
    "text",
    [
        f"k1=YWI=,{TELLTALE}",
        f"k:{TELLTALE}",
        f"k={TELLTALE}é",
        f'{{"k": "{TELLTALE}"',
        f'{{"k": ["{TELLTALE}"]}}',
        f'{{"k": "{TELLTALE}!"}}',
        f'{{"{TELLTALE}!": ""}}',
        f'{{"\udcff{TELLTALE}": 1}}',
        "k=AAAA",
        "k=YWI=,",
    ],
)
@pytest.mark.parametrize("name", ["OFFHOOK_KEYS", "STATIC_API_KEY_MAP"])
def test_bad_environment(name: str, text: str) -> None:
    with pytest.raises(KeyFileError, match=name) as caught:
        KeyStore.from_env({name: text})
    assert TELLTALE not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_repr_shows_neither_keys_nor_secrets() -> None:
    keys = KeyStore.from_pairs({"abcdef": TELLTALE, "open": ""})
    assert repr(keys) == str(keys) == "<KeyStore: 2 keys, 1 of them without secret>"


def test_generated_keys_are_what_the_platform_takes() -> None:
    key, secret = generate()
    assert len(key) == 32
    assert KEY_RULE.match(key)
    assert SECRET_RULE.match(secret)
    assert len(decode_secret(secret)) == 32
    assert generate() != (key, secret)
    assert generate(lambda size: b"\x10" * size) == ("10" * 16, base64.b64encode(b"\x10" * 32).decode())


# Signed requests


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("wss://Bot.Example.COM/a/b?x=1&y=%20", ("/a/b?x=1&y=%20", "bot.example.com", "bot.example.com", 443, True)),
        ("wss://h:443/", ("/", "h", "h", 443, True)),
        ("wss://h:80/p", ("/p", "h:80", "h", 80, True)),
        ("ws://h:80/p", ("/p", "h", "h", 80, False)),
        ("WS://127.0.0.1:8080", ("/", "127.0.0.1:8080", "127.0.0.1", 8080, False)),
        ("ws://h?id=7", ("/?id=7", "h", "h", 80, False)),
        ("ws://[FE80::1]:9/x;y/../z//", ("/x;y/../z//", "[fe80::1]:9", "fe80::1", 9, False)),
        ("wss://[::1]/", ("/", "[::1]", "::1", 443, True)),
        ("wss://h/p??", ("/p??", "h", "h", 443, True)),
    ],
)
def test_endpoint(uri: str, expected: tuple[str, str, str, int, bool]) -> None:
    assert Endpoint.parse(uri) == expected


@pytest.mark.parametrize(
    "uri",
    ["", "h/p", "http://h/", "wss:///p", "wss://h:x/", "wss://h:99999/", "wss://[::1/", "wss://h/é", "wss://h/a b",
     "wss://h/p\r\nX: y", "wss://user:telltale@h/", "wss://h/#f"],
)  # fmt: skip
def test_bad_endpoint(uri: str) -> None:
    with pytest.raises(UsageError, match="not a WebSocket URI") as caught:
        Endpoint.parse(uri)
    assert "telltale" not in str(caught.value)


def test_request_has_the_platforms_headers() -> None:
    secret = decode_secret(SAMPLE_SECRET)
    headers = sign_request("wss://bot.example.com/connector/v1/bot-7?lang=en-US&mode=test", SAMPLE_KEY, secret, *IDS,
                           1767225600.9, nonce="MDEyMzQ1Njc4OWFiY2RlZjAx")  # fmt: skip
    assert headers == {
        "User-Agent": "GenesysCloud-AudioHook-Client",
        "Audiohook-Organization-Id": ORGANIZATION,
        "Audiohook-Session-Id": SESSION,
        "Audiohook-Correlation-Id": CORRELATION,
        "Audiohook-Retry-Attempt": "0",
        "X-API-KEY": SAMPLE_KEY,
        "Signature-Input": 'sig1=("@request-target" "@authority" "audiohook-organization-id" "audiohook-session-id" '
        f'"audiohook-correlation-id" "x-api-key");keyid="{SAMPLE_KEY}";nonce="MDEyMzQ1Njc4OWFiY2RlZjAx";'
        'alg="hmac-sha256";created=1767225600;expires=1767225630',
        "Signature": "sig1=:CgKdjd6/fhzSKNluFPto5oi/u5Y1jHUMxfJAeB2xO9c=:",  # vector D of P2.8
    }


def test_request_without_secret_is_not_signed() -> None:
    headers = sign_request("wss://h/", "key", b"", *IDS, 0.0, retry_attempt=2)
    assert headers["Audiohook-Retry-Attempt"] == "2"
    assert not {"Signature", "Signature-Input"} & set(headers)


def test_each_request_has_a_nonce_of_its_own() -> None:
    nonces = {
        re.findall('nonce="([^"]+)"', sign_request("wss://h/", "key", b"secret", *IDS, 0.0)["Signature-Input"])[0]
        for _ in range(20)
    }
    assert len(nonces) == 20
    assert all(len(base64.b64decode(nonce)) == 18 for nonce in nonces)


@pytest.mark.parametrize(
    "uri", ["wss://Bot.example.com/x?y=z", "ws://127.0.0.1:8080/x", "ws://[::1]:80", "wss://h:8443"]
)
def test_both_sides_agree(uri: str) -> None:
    keys = KeyStore.sample()
    endpoint = Endpoint.parse(uri)
    headers = canonical_headers(sign_request(uri, SAMPLE_KEY, keys[SAMPLE_KEY], *IDS, 1000.0).items())
    verifier = Verifier(keys, decoy=b"d" * 32)
    common = {"target": endpoint.target, "headers": headers, "now": 1001.0, "secure": endpoint.secure}
    assert verifier.verify(authority=endpoint.authority, **common).ok
    assert not verifier.verify(authority="elsewhere", **common).ok


def test_header_injection_is_refused() -> None:
    for ids in (("a\r\nX: y", SESSION, CORRELATION), (ORGANIZATION, "", CORRELATION), (ORGANIZATION, SESSION, "é")):
        with pytest.raises(UsageError, match="Audiohook-"):
            sign_request("wss://h/", "key", b"secret", *ids, 0.0)
