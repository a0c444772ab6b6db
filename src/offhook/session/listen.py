"""Listening sockets: TCP or TLS, a gate before each connection, an engine behind it.

It must not know AudioHook, nor when a server should stop.
"""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Callable
from pathlib import Path
from ssl import SSLContext
from typing import NoReturn

from ..errors import UsageError
from .engines import EngineName, load_engine
from .gate import Gate, Lobby
from .tls import TlsServer, start_tls_server
from .wire import Accept, WireLimits


class Listening:
    """A listener that is open.

    Attributes:
        addresses: (address, port) of each socket.
    """

    def __init__(
        self, server: asyncio.Server | TlsServer, lobby: Lobby, addresses: tuple[tuple[str, int], ...]
    ) -> None:
        self._server = server
        self._lobby = lobby
        self.addresses = addresses

    @property
    def port(self) -> int:
        """Port of the first socket: the one that the system chose, if 0 was asked for."""
        return self.addresses[0][1]

    @property
    def connections(self) -> int:
        """Connections that are open: WebSockets and those in the gate."""
        return self._lobby.connections

    def close(self) -> None:
        """Accept no more. WebSockets stay; connections that are none yet are dropped."""
        self._server.close()
        self._lobby.clear()

    async def wait_idle(self) -> None:
        """Return when no connection is open."""
        await self._lobby.wait_empty()

    async def wait_closed(self) -> None:
        """Return when the listener is closed and its last connection is gone."""
        await self._lobby.wait_empty()
        await self._server.wait_closed()


async def listen(
    accept: Accept,
    host: str | None,
    port: int,
    *,
    engine: EngineName = "picows",
    ssl: SSLContext | None = None,
    limits: WireLimits | None = None,
    reuse_port: bool = False,
    backlog: int = 1_024,
) -> Listening:
    """Accept WebSockets.

    Args:
        accept: Called with each request, WebSocket or not; see `Accept`.
        host: Name or address to listen on; None for all.
        port: TCP port; 0 lets the system choose.
        engine: What speaks WebSocket.
        ssl: For TLS; see `ssl_context`.
        limits: What a connection may cost.
        reuse_port: Let other processes listen on the same port (SO_REUSEPORT): one process per core.
        backlog: Connections that the kernel keeps until they are accepted.

    Raises:
        UsageError: The port cannot be had, or the engine is not installed.
    """
    if not 0 <= port <= 65_535:  # one of the loops would take the rest of it for the port
        raise UsageError(f"there is no port {port}: ports are 0 to 65535")
    limits = limits or WireLimits()
    lobby = Lobby(accept, load_engine(engine).upgrade, limits)
    try:
        server = await _create_server(lambda: Gate(lobby), host, port, engine, ssl, limits, reuse_port, backlog)
    except OSError as error:
        raise cannot_listen(host, port, error) from error
    addresses = tuple((name[0], name[1]) for name in (socket.getsockname() for socket in server.sockets))
    return Listening(server, lobby, addresses)


def cannot_listen(host: str | None, port: int, error: OSError) -> UsageError:
    """The error for a port that cannot be had."""
    where = f"port {port} on {host or 'all addresses'}"
    return UsageError(f"cannot listen on {where} ({error.strerror or error}): choose another port or host")


def ssl_context(cert_file: str | Path, key_file: str | Path) -> tls.SSLContext:
    """A server's TLS context: TLS 1.2 or later (P2.3), no client certificates.

    Args:
        cert_file: PEM file with the certificate, and behind it the chain up to the public authority.
        key_file: PEM file with its private key, without a passphrase.

    Raises:
        UsageError: A file cannot be read, is no PEM, needs a passphrase, or the two do not belong together.
    """
    for path in (cert_file, key_file):
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read the TLS file {path}: {error.strerror}") from error
    context = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    context.minimum_version = tls.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])

    def passphrase() -> NoReturn:
        raise UsageError(f"the TLS key {key_file} needs a passphrase: remove it (openssl pkey -in KEY -out PLAIN)")

    try:
        context.load_cert_chain(cert_file, key_file, passphrase)
    except tls.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise UsageError(f"the TLS key {key_file} does not belong to the certificate {cert_file}") from error
        raise UsageError(f"{cert_file} and {key_file} must be a certificate and a key in PEM ({error})") from error
    return context


async def _create_server(
    gate: Callable[[], Gate],
    host: str | None,
    port: int,
    engine: EngineName,
    ssl: SSLContext | None,
    limits: WireLimits,
    reuse_port: bool,
    backlog: int,
) -> asyncio.Server | TlsServer:
    loop = asyncio.get_running_loop()
    if ssl is None:
        return await loop.create_server(gate, host, port, reuse_port=reuse_port or None, backlog=backlog)
    if engine == "picows":
        return await start_tls_server(gate, host, port, ssl, limits, reuse_port=reuse_port, backlog=backlog)
    return await loop.create_server(
        gate,
        host,
        port,
        ssl=ssl,
        reuse_port=reuse_port or None,
        backlog=backlog,
        ssl_handshake_timeout=limits.head_timeout,
        ssl_shutdown_timeout=limits.close_timeout,
    )
