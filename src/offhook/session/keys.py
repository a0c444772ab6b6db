"""API keys and client secrets of both sides: where they are read from, how new ones are made, and signed requests.

Reads files and the environment only when told to; knows nothing of sockets. No message and no `repr` shows a secret.
"""

from __future__ import annotations

import base64
import re
import secrets
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import msgspec

from offhook.errors import KeyFileError, UsageError
from offhook.protocol.signature import sign

SAMPLE_KEY = "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh"
"""The API key of the vendor's sample (P2.4): known to everybody, for tests and demonstrations only."""
SAMPLE_SECRET = "TXlTdXBlclNlY3JldEtleVRlbGxOby0xITJAMyM0JDU="
"""The client secret that belongs to it."""

USER_AGENT = "GenesysCloud-AudioHook-Client"
LIFETIME = 30
"""Seconds from `created` to `expires`, as the vendor's sample client has it (P2.5 step 4)."""

# P2.4; the padding of a secret may be missing.
_KEY = r"[A-Za-z0-9+/_-]+={0,2}"
_SECRET = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{3}=?|[A-Za-z0-9+/]{2}(?:==)?)?"
# A secret never begins with "=", so this has one reading although keys may end with "=".
_PAIR = re.compile(f"({_KEY})=({_SECRET})")
_PRINTABLE = re.compile(r"[!-~]+")


class KeyStore(Mapping[str, bytes]):
    """API keys with their decoded client secrets. An empty secret means: requests with this key need no signature."""

    def __init__(self, secrets_by_key: Mapping[str, bytes] | None = None) -> None:
        self._secrets = dict(secrets_by_key or {})

    @classmethod
    def sample(cls) -> Self:
        """The vendor's sample key and secret. Everybody knows them: say so in the log."""
        return cls.from_pairs({SAMPLE_KEY: SAMPLE_SECRET})

    @classmethod
    def from_pairs(cls, pairs: Mapping[str, str | None]) -> Self:
        """Keys with base64 secrets as they are typed into the platform; "" or None for no signature.

        Raises:
            KeyFileError: a key or secret that the platform would not take.
        """
        return cls._decoded(pairs.items(), "the keys given")

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Self:
        """The table `[keys]` of a TOML file: `"key" = "secret"`. Other tables are left alone.

        Raises:
            KeyFileError: the file cannot be read or used.
        """
        try:
            with open(path, "rb") as file:
                table = tomllib.loads(file.read().decode("utf-8-sig")).get("keys")
        except OSError as why:
            raise KeyFileError(f"cannot read the key file {path}: {why.strerror}") from None
        except UnicodeDecodeError:
            raise KeyFileError(f"{path} is not UTF-8 text") from None
        except tomllib.TOMLDecodeError as why:
            _, _, place = str(why).rpartition(" (")  # what stands before it may quote the file
            raise KeyFileError(f"{path} is not TOML: see {place.rstrip(')')}") from None
        except (ValueError, RecursionError):
            raise KeyFileError(f"{path} has a number too long, or is nested too deeply") from None
        if not isinstance(table, dict) or not all(isinstance(secret, str) for secret in table.values()):
            raise KeyFileError(f'{path} needs a table [keys] with lines like "key" = "secret"')
        return cls._decoded(table.items(), str(path))

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """`OFFHOOK_KEYS`, else `STATIC_API_KEY_MAP` of the vendor's sample server; no keys at all if neither is set.

        Each takes a JSON object of keys and secrets, or `key=secret,key=secret`; no secret means no signature.

        Raises:
            KeyFileError: the variable cannot be used.
        """
        for name in ("OFFHOOK_KEYS", "STATIC_API_KEY_MAP"):
            text = environ.get(name, "").strip()
            if text:
                return cls._decoded(_json_pairs(name, text) if text[0] == "{" else _split_pairs(name, text), name)
        return cls()

    @classmethod
    def _decoded(cls, pairs: Iterable[tuple[str, str | None]], source: str) -> Self:
        store = cls()
        for number, (key, secret) in enumerate(pairs, 1):
            # Named by number: someone may have put the secret in the place of the key.
            if not re.fullmatch(_KEY, key):
                raise KeyFileError(f"{source}: key {number} may have letters, digits, + / _ - and at most two = after")
            try:
                store._secrets[key] = decode_secret(secret or "")
            except KeyFileError as why:
                raise KeyFileError(f"{source}: {why} (key {number})") from None
        return store

    @property
    def uses_sample(self) -> bool:
        """Whether what everybody knows of the vendor's sample is enough to come in."""
        return self.get(SAMPLE_KEY) in (b"", decode_secret(SAMPLE_SECRET))

    # Mapping's own `get` would raise and catch for an unknown key: slower, and so to be told from outside.
    def get(self, key: str, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        return self._secrets.get(key, default)

    def __getitem__(self, key: str) -> bytes:
        return self._secrets[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._secrets)

    def __len__(self) -> int:
        return len(self._secrets)

    def __repr__(self) -> str:
        unsigned = sum(not secret for secret in self._secrets.values())
        return f"<KeyStore: {len(self)} keys, {unsigned} of them without secret>"


class Endpoint(NamedTuple):
    """What a WebSocket URI says to HTTP.

    Attributes:
        target: path and query, for the request line.
        authority: lower-case host, and the port unless it is the default; IPv6 in brackets.
        host: without brackets, for the resolver.
    """

    target: str
    authority: str
    host: str
    port: int
    secure: bool

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Take a `ws:` or `wss:` URI apart.

        Raises:
            UsageError: not such a URI.
        """
        try:
            if not _PRINTABLE.fullmatch(uri):
                raise ValueError("write spaces and other than ASCII characters as %XX, such host names in punycode")
            parts = urlsplit(uri)
            host, given_port = parts.hostname, parts.port
            if parts.scheme not in ("ws", "wss") or not host:
                raise ValueError("it must begin with ws://host or wss://host")
            if "#" in uri or "@" in parts.netloc:
                raise ValueError("user names and fragments (#) have no place in it")
        except ValueError as why:
            raise UsageError(f"this is not a WebSocket URI: {why}") from None
        secure = parts.scheme == "wss"
        default = 443 if secure else 80
        port = default if given_port is None else given_port
        bracketed = f"[{host}]" if ":" in host else host
        authority = bracketed if port == default else f"{bracketed}:{port}"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(target, authority, host, port, secure)


def decode_secret(secret: str) -> bytes:
    """The HMAC key: a client secret is base64 of it (P2.4), with or without padding.

    Raises:
        KeyFileError: it is not, or it is all zero bytes.
    """
    if not re.fullmatch(_SECRET, secret):
        raise KeyFileError("the client secret must be base64")
    raw = base64.b64decode(secret + "=" * (-len(secret) % 4))
    if raw and not any(raw):  # to HMAC the same as no secret (P2.7)
        raise KeyFileError("a client secret of zero bytes protects nothing: make one with `offhook keys new`")
    return raw


def generate(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> tuple[str, str]:
    """Make an API key (32 hexadecimal digits, 128 random bits) and a client secret (base64 of 32 random bytes)."""
    return random_bytes(16).hex(), base64.b64encode(random_bytes(32)).decode()


def sign_request(
    uri: str,
    key: str,
    secret: bytes,
    organization_id: str,
    session_id: str,
    correlation_id: str,
    now: float,
    nonce: str | None = None,
    *,
    retry_attempt: int = 0,
) -> dict[str, str]:
    """All header fields that the platform adds to its upgrade request (P2.2), signed if `secret` is not empty.

    Args:
        uri: the request must go to `Endpoint.parse(uri).target` with `Host: Endpoint.parse(uri).authority`.
        secret: decoded, see `decode_secret`.
        now: UNIX time in seconds.
        nonce: 18 random bytes in base64 if None (P2.5 step 4).
        retry_attempt: 0 for the first try.

    Raises:
        UsageError: the URI, or a value that cannot stand in a header field.
    """
    endpoint = Endpoint.parse(uri)
    headers = {
        "User-Agent": USER_AGENT,
        "Audiohook-Organization-Id": organization_id,
        "Audiohook-Session-Id": session_id,
        "Audiohook-Correlation-Id": correlation_id,
        "Audiohook-Retry-Attempt": str(retry_attempt),
    } | ({"X-API-KEY": key} if key else {})
    for name, value in headers.items():
        if not _PRINTABLE.fullmatch(value):
            raise UsageError(f"{name} must be printable ASCII without spaces")
    if not secret:
        return headers
    signed = sign(
        target=endpoint.target,
        authority=endpoint.authority,
        headers=headers,
        key_id=key,
        secret=secret,
        nonce=nonce or base64.b64encode(secrets.token_bytes(18)).decode(),
        created=int(now),
        expires=int(now) + LIFETIME,
    )
    return headers | {"Signature-Input": signed["signature-input"], "Signature": signed["signature"]}


def _split_pairs(name: str, text: str) -> Iterator[tuple[str, str]]:
    for number, pair in enumerate(text.split(","), 1):
        match = _PAIR.fullmatch(pair.strip())
        if match is None:
            raise KeyFileError(f"{name}: entry {number} is not key=secret (or key= for no signature)")
        yield match[1], match[2]


def _json_pairs(name: str, text: str) -> Iterable[tuple[str, str | None]]:
    try:
        return msgspec.json.decode(text, type=dict[str, str | None]).items()
    except (ValueError, msgspec.MsgspecError):  # a ValueError: the environment may hold what is not UTF-8
        raise KeyFileError(f'{name} must be a JSON object like {{"key": "secret"}}') from None
