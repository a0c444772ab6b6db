"""`offhook keys`: makes API keys and client secrets, signs upgrade requests, and says why one does not verify."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shlex
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Final

import click

from ..errors import UsageError
from ..protocol.signature import Verdict, Verifier, canonical_headers
from ..protocol.structured import Signed
from ..session.keys import Endpoint, KeyStore, decode_secret, generate, sign_request
from .inputs import read_bytes
from .mistakes import Request, advice, base_of, signature_of, would_verify
from .schema import printable

#: The organisation of the vendor's examples (P2.8).
_ORGANIZATION: Final = "d7934305-0972-4844-938e-9060eef73d05"
_REQUEST_LINE: Final = re.compile(r"GET (\S+) HTTP/1\.[01]")

_WHAT_TO_DO: Final = """\
API key        {key}
Client secret  {secret}

In Genesys Cloud  Admin, Integrations, your integration, Configuration, Credentials: type in both as they stand here.
For your bot      Write a key file, say keys.toml, and serve with it: offhook serve bot.py --keys keys.toml
                      [keys]
                      "{key}" = "{secret}"
To try them       offhook call URI --key KEY --secret SECRET

The secret is shown this once and kept nowhere. Whoever has it can speak in the platform's name.
"""


@click.group()
def keys() -> None:
    """Make, sign with and verify API keys and client secrets."""


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--toml", "as_toml", is_flag=True, help="Lines for a key file.")
def new(as_json: bool, as_toml: bool) -> None:
    """Make an API key and its client secret."""
    if as_json and as_toml:
        raise UsageError("give one of --json and --toml")
    key, secret = generate()
    if as_json:
        click.echo(json.dumps({"key": key, "secret": secret}))
    elif as_toml:
        click.echo(f'[keys]\n"{key}" = "{secret}"')
    else:
        click.echo(_WHAT_TO_DO.format(key=key, secret=secret), nl=False)


@keys.command()
@click.argument("uri")
@click.option("--key", required=True, envvar=["OFFHOOK_KEYS_SIGN_KEY", "OFFHOOK_KEY"], help="API key.")
@click.option("--secret", default="", envvar=["OFFHOOK_KEYS_SIGN_SECRET", "OFFHOOK_SECRET"],
              help="Client secret, base64; without one the request is not signed.")  # fmt: skip
@click.option("--organization", default=_ORGANIZATION, show_default=True, help="Audiohook-Organization-Id.")
@click.option("--session", help="Audiohook-Session-Id. Default: a new one.")
@click.option("--correlation", help="Audiohook-Correlation-Id. Default: a new one.")
@click.option("--nonce", help="Default: random.")
@click.option("--created", type=int, metavar="UNIX", help="Time of signing. Default: now.")
@click.option("--curl", is_flag=True, help="A curl command that asks for the upgrade.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def sign(
    uri: str,
    key: str,
    secret: str,
    organization: str,
    session: str | None,
    correlation: str | None,
    nonce: str | None,
    created: int | None,
    curl: bool,
    as_json: bool,
) -> None:
    """Print the headers of a signed upgrade request to URI, as the platform sends it. Good for some ten seconds."""
    if curl and as_json:
        raise UsageError("give one of --json and --curl")
    headers = sign_request(
        uri,
        key,
        decode_secret(secret),
        organization,
        session or str(uuid.uuid4()),
        correlation or str(uuid.uuid4()),
        time.time() if created is None else created,
        nonce,
    )
    if as_json:
        click.echo(json.dumps(headers))
    elif curl:
        click.echo(_curl(uri, headers))
    else:
        click.echo("\n".join(f"{name}: {value}" for name, value in headers.items()))


def _curl(uri: str, headers: Mapping[str, str]) -> str:
    endpoint = Endpoint.parse(uri)
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
    }
    url = f"{'https' if endpoint.secure else 'http'}://{endpoint.authority}{endpoint.target}"
    # What is signed must be sent to the letter: no dots resolved, no brackets expanded.
    words = ["curl", "--include", "--no-buffer", "--http1.1", "--path-as-is", "--globoff"]
    for name, value in (upgrade | dict(headers)).items():
        words += ["--header", f"{name}: {value}"]
    return shlex.join([*words, url])


@keys.command()
@click.argument("uri")
@click.option("--key", help="API key, with --secret.")
@click.option("--secret", default="", help="Its client secret, base64.")
@click.option("--keys", "keys_file", metavar="FILE", help="TOML with a table [keys] of API key = client secret.")
@click.option("--header", "-H", "given", multiple=True, metavar="'NAME: VALUE'", help="A header; again for each.")
@click.option("--at", type=float, metavar="UNIX", help="Judge as of that time. Default: now.")
@click.option("--no-age", is_flag=True, help="Judge as of the time of signing, whatever its age.")
@click.option("--max-age", type=float, default=10.0, show_default=True, help="Seconds for which a signature is good.")
@click.option("--skew", type=float, default=3.0, show_default=True, help="Seconds that clocks may differ.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def verify(
    uri: str,
    key: str | None,
    secret: str,
    keys_file: str | None,
    given: tuple[str, ...],
    at: float | None,
    no_age: bool,
    max_age: float,
    skew: float,
    as_json: bool,
) -> int:
    """Judge the headers of an upgrade request to URI, from -H or standard input, and say what is wrong with them.

    URI is what the client was told to connect to. Exits with 1 unless `offhook serve` would let the request in.
    """
    if no_age and at is not None:
        raise UsageError("give one of --at and --no-age")
    store = _store(key, secret, keys_file)
    request = _request(Endpoint.parse(uri), _headers(given))
    signed = signature_of(request.headers)
    now = time.time() if at is None else at
    if no_age and signed is not None:
        now = float(signed.parameters.created or 0)
    verifier = Verifier(
        store, decoy=secrets.token_bytes(32), max_age=None if no_age else max_age, skew=skew, replay="off"
    )
    endpoint = request.endpoint
    verdict = verifier.verify(
        target=endpoint.target,
        authority=endpoint.authority,
        headers=request.headers,
        now=now,
        secure=endpoint.secure,
    )
    base = None if signed is None else base_of(signed, request).decode("utf-8", "replace")
    usual = None if signed is None or verdict.ok else _usual(signed, request, store)
    _report(verdict, base, usual, as_json=as_json)
    return 0 if verdict.ok else 1


def _headers(given: tuple[str, ...]) -> str:
    return "\n".join(given) if given else read_bytes("-", "header lines").decode("utf-8", "replace")


def _store(key: str | None, secret: str, keys_file: str | None) -> KeyStore:
    if key and keys_file:
        raise UsageError("give one of --key and --keys")
    if keys_file:
        return KeyStore.from_file(keys_file)
    if key:
        return KeyStore.from_pairs({key: secret})
    store = KeyStore.from_env(os.environ)
    if not store:
        raise UsageError("give --key and --secret, or --keys with a key file")
    return store


def _usual(signed: Signed, request: Request, store: KeyStore) -> list[str] | None:
    key = request.headers.get("x-api-key", "")
    others = {name: secret for name, secret in store.items() if name != key and secret}
    return would_verify(signed, request, store.get(key) or b"", others)


def _request(endpoint: Endpoint, text: str) -> Request:
    """Read headers as people have them: lines of a request, of `curl -v`, or a JSON object that was logged."""
    fields: list[tuple[str, str]] = []
    target = ""
    stripped = text.strip()
    if stripped.startswith("{"):
        return Request(endpoint, canonical_headers(_json_fields(stripped)))
    for line in text.splitlines():
        plain = line.removeprefix("> ").rstrip()
        first = _REQUEST_LINE.fullmatch(plain)
        name, colon, value = plain.partition(":")
        if first:
            target = first[1]
        elif plain[:1] in (" ", "\t") and fields and plain.strip():  # P2.5 step 3: a folded line
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {plain.strip()}")
        elif plain.strip(" >") and not plain.startswith(("*", "<")):
            if not colon or " " in name.strip():
                raise UsageError(f"this is no header line: {printable(plain[:60])!r}")
            fields.append((name.strip(), value.strip()))
    if not fields:
        raise UsageError("give the headers of the request, as lines on standard input or with -H")
    return Request(endpoint, canonical_headers(fields), target)


def _json_fields(text: str) -> Iterable[tuple[str, str]]:
    try:
        headers = json.loads(text)
    except ValueError as error:
        raise UsageError(f"the headers are no JSON object: {error}") from None
    return [(str(name), value if isinstance(value, str) else str(value)) for name, value in headers.items()]


def _report(verdict: Verdict, base: str | None, usual: list[str] | None, *, as_json: bool) -> None:
    hint = advice(verdict)
    if as_json:
        report = {
            "ok": verdict.ok,
            "outcome": verdict.outcome.value,
            "key": verdict.key_id,
            "reason": verdict.reason,
            "advice": hint,
            "signature_matches": verdict.ok or usual == [],
            "would_verify_if": usual or [],
            "signature_base": base,
        }
        click.echo(json.dumps(report))
        return
    click.secho(verdict.outcome.value.upper(), bold=True, fg="green" if verdict.ok else "red", nl=False)
    click.echo(f"  {printable(verdict.reason)}" if verdict.reason else "")
    if hint and not usual:
        click.echo(f"  {hint}")
    if usual:
        click.echo("  It would match, if this is what happened:")
        click.echo("\n".join(f"    {printable(sentence)}." for sentence in usual))
    elif usual == []:
        click.echo("  The signature itself is right.")
    if base is not None:
        click.echo("\nSignature base, as this side builds it:")
        click.echo("\n".join(f"  {printable(line)}" for line in base.split("\n")))
