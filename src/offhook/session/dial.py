"""Opening a WebSocket to a server: the URI, the time limit, and one clear error for each way it can fail.

It must not know AudioHook or how requests are signed: the caller hands in the header fields.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl as tls
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..errors import ConnectionLost, UsageError
from .engines import Address, EngineName, load_engine
from .wire import Receiver, Wire, WireLimits

_PORTS = {"ws": 80, "wss": 443}
_VISIBLE = re.compile(r"[!-~]+")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\t -~]*")


def parse_uri(uri: str) -> Address:
    """Take a WebSocket URI apart. Path and query are kept to the letter, since they are signed (P2.5 rule 2).

    Raises:
        UsageError: It is not ws:// or wss://, has no host, a user name, a fragment, or characters that need escaping.
    """
    if _VISIBLE.fullmatch(uri) is None:
        raise UsageError(f"the URI {uri!r} has blanks or characters beyond ASCII: write them as %XX")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"the URI {uri!r} cannot be read: {error}") from None
    scheme, host = parts.scheme, parts.hostname or ""
    if scheme not in _PORTS:
        raise UsageError(f"the URI {uri!r} must begin with ws:// or wss://")
    if not host or port == 0:
        raise UsageError(f"the URI {uri!r} names no host, or port 0")
    if "@" in parts.netloc:
        raise UsageError("a WebSocket URI must not carry a user name or password: use API key and client secret")
    if "#" in uri:
        raise UsageError(f"the URI {uri!r} has a fragment, which no server would see: leave out # and what follows")
    authority = f"[{host}]" if ":" in host else host
    if port not in (None, _PORTS[scheme]):
        authority += f":{port}"
    target = uri.partition("://")[2][len(parts.netloc) :]
    if not target.startswith("/"):
        target = "/" + target
    return Address(scheme == "wss", host, port or _PORTS[scheme], target, authority)


async def dial(
    uri: str,
    receiver: Receiver,
    *,
    headers: Mapping[str, str],
    engine: EngineName = "picows",
    ssl: tls.SSLContext | None = None,
    limits: WireLimits | None = None,
    timeout: float = 5.0,  # noqa: ASYNC109  # the limit is this function's own promise, with its own error
    via: tuple[str, int] | None = None,
) -> Wire:
    """Open a WebSocket. Redirects are not followed (P2.1), no extension is offered, no proxy is asked.

    Args:
        uri: ws:// or wss://.
        receiver: Gets `connected` before this returns.
        headers: Fields of the upgrade request, names written as they are to be sent.
        engine: What speaks WebSocket.
        ssl: For wss; None verifies the server against the system's authorities.
        limits: For messages, backlog and close.
        timeout: Seconds for name, TCP, TLS and upgrade together.
        via: Host and port to connect to in place of the URI's, which is still asked for, and verified.

    Raises:
        UsageError: The URI or a field cannot be sent, or the engine is not installed.
        UpgradeRejected: The server answered with another status than 101.
        ConnectionLost: There is no answer, or none that is HTTP.
    """
    address = parse_uri(uri)._replace(via=via)
    for name, value in headers.items():
        if _FIELD_NAME.fullmatch(name) is None or _FIELD_VALUE.fullmatch(value) is None:
            raise UsageError(f"the header field {name!r} cannot be sent: it has line breaks or characters beyond ASCII")
    context = _context(ssl) if address.secure else None
    open_wire = load_engine(engine).dial
    where = "{} port {}".format(*address.socket)
    try:
        async with asyncio.timeout(timeout):
            return await open_wire(address, receiver, headers, context, limits or WireLimits())
    except ConnectionLost as error:
        raise ConnectionLost(f"{where}: {error}") from error.__cause__
    except TimeoutError:
        raise ConnectionLost(f"{where} did not finish the WebSocket upgrade within {timeout:g} s") from None
    except tls.SSLCertVerificationError as error:
        raise ConnectionLost(f"the certificate of {where} is not trusted: {error.verify_message}") from error
    except tls.SSLError as error:
        raise ConnectionLost(f"{where} does not speak TLS as wss needs it ({error.reason or error})") from error
    except socket.gaierror as error:
        raise ConnectionLost(f"the name {address.host} is not known ({error.strerror}): check the URI") from error
    except OSError as error:
        raise ConnectionLost(f"cannot connect to {where} ({error.strerror or error}): is the server up?") from error


def _context(given: tls.SSLContext | None) -> tls.SSLContext:
    if given is not None:
        return given
    context = tls.create_default_context()
    context.minimum_version = tls.TLSVersion.TLSv1_2  # P2.3
    return context
