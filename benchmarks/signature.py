"""What does one signature cost? Microseconds for signing, for verifying, and for the parts of it.

    python benchmarks/signature.py [rounds]

`http_sf` parses both fields; the base is made from the parsed form by Offhook's own writer, whose equality with
`http_sf.ser` is a property test. The best of seven runs counts: others may use the machine at the same time.
"""

from __future__ import annotations

import hmac
import sys
import timeit
from collections.abc import Callable

import http_sf

from offhook.protocol.signature import Verifier, canonical_headers
from offhook.protocol.structured import MAX_FIELD, read_signatures
from offhook.session.keys import SAMPLE_KEY, Endpoint, KeyStore, sign_request

URI = "wss://bot.example.com/connector/v1/bot-7?lang=en-US&mode=test"
ORGANIZATION = "d7934305-0972-4844-938e-9060eef73d05"
SESSION = "30b0e395-84d3-4570-ac13-9a62d8f514c0"
CORRELATION = "e160e428-53e2-487c-977d-96989bf5c99d"
NOW = 1767225600.0


def cases() -> dict[str, Callable[[], object]]:
    keys = KeyStore.sample()
    endpoint = Endpoint.parse(URI)
    secret = keys[SAMPLE_KEY]

    def sign() -> dict[str, str]:
        return sign_request(URI, SAMPLE_KEY, secret, ORGANIZATION, SESSION, CORRELATION, NOW)

    def verifying(headers: dict[str, str], store: KeyStore = keys) -> Callable[[], object]:
        verifier = Verifier(store, decoy=b"d" * 32, replay="log")  # the nonce is looked up, the verdict stays
        common = {"target": endpoint.target, "authority": endpoint.authority, "headers": headers}
        return lambda: verifier.verify(**common, now=NOW)

    headers = canonical_headers(sign().items())
    (signed,) = read_signatures(headers)
    field, mac = headers["signature-input"].encode(), headers["signature"].encode()
    return {
        "sign a request": sign,
        "verify it": verifying(headers),
        "verify, unknown key": verifying(headers, KeyStore()),
        "refuse a long field of garbage": verifying(headers | {"signature-input": "a," * MAX_FIELD}),
        "refuse the longest that is parsed": verifying(
            headers | {"signature-input": "s=(" + '"a" ' * (MAX_FIELD // 4 - 2) + ")"}
        ),
        "part: http_sf.parse of both fields": lambda: [http_sf.parse(f, tltype="dictionary") for f in (field, mac)],
        "part: http_sf.ser of the parameters": lambda: http_sf.ser([(signed.components, signed.given)]),
        "part: our writer of the parameters": signed.signature_params,
        "part: HMAC of 600 bytes": lambda: hmac.digest(secret, b"x" * 600, "sha256"),
    }


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for name, case in cases().items():
        seconds = min(timeit.repeat(case, number=rounds, repeat=7)) / rounds
        print(f"{name:36} {seconds * 1e6:9.1f} us")


if __name__ == "__main__":
    main()
