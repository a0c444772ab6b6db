"""Fixtures of the session tests: both event loops, both engines, a listener, a certificate."""

from __future__ import annotations

import asyncio
import ssl as tls
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.session.sockets import BRISK, Ear, Site

from offhook.session.listen import listen, ssl_context
from offhook.session.wire import Accept, Receiver, Refusal, UpgradeRequest, WireLimits


@pytest.fixture(params=["uvloop", pytest.param("asyncio", marks=pytest.mark.stock_loop)])
def loop_kind(request: pytest.FixtureRequest) -> str:
    """Run the test on both event loops."""
    return str(request.param)


@pytest.fixture(params=["picows", "websockets"])
def engine(request: pytest.FixtureRequest) -> str:
    """Run the test on both WebSocket engines."""
    return str(request.param)


@pytest.fixture
def serve() -> Callable[..., object]:
    """`async with serve(...) as site`: listens; afterwards no connection and no complaint of the loop is left."""

    @asynccontextmanager
    async def serve(
        accept: Accept | None = None,
        *,
        engine: str = "picows",
        limits: WireLimits = BRISK,
        ear: Callable[[], Ear] = lambda: Ear(echo=True),
        **options: object,
    ) -> AsyncIterator[Site]:
        site = Site(engine)

        def judge(request: UpgradeRequest) -> Receiver | Refusal:
            site.requests.append(request)
            if accept is not None:
                return accept(request)
            return site.welcome(ear())

        asyncio.get_running_loop().set_exception_handler(lambda _, context: site.troubles.append(context))
        site.listening = await listen(judge, "127.0.0.1", 0, engine=engine, limits=limits, **options)  # type: ignore[arg-type]
        try:
            yield site
        finally:
            site.listening.close()
            for each in site.ears:
                if each.wire is not None:
                    each.wire.abort()
            async with asyncio.timeout(10):
                await site.listening.wait_closed()
        assert site.listening.connections == 0
        assert not site.troubles

    return serve


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


@pytest.fixture
def server_tls(certificate: tuple[Path, Path]) -> tls.SSLContext:
    return ssl_context(*certificate)


@pytest.fixture
def client_tls(certificate: tuple[Path, Path]) -> tls.SSLContext:
    return tls.create_default_context(cafile=str(certificate[0]))
