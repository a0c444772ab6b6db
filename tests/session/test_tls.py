"""TLS: both engines over it, peers that do it wrong, many that never finish it, and certificates."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl as tls
import subprocess
from contextlib import AsyncExitStack

import pytest
from tests.session.sockets import Ear, frame

from offhook.errors import ConnectionLost, UsageError
from offhook.session.dial import dial
from offhook.session.listen import ssl_context
from offhook.session.tls import TlsServer
from offhook.session.wire import Refusal, WireLimits

both_loops = pytest.mark.usefixtures("loop_kind")


@both_loops
async def test_tls_end_to_end(serve, engine, server_tls, client_tls):
    messages = ["hello", bytes(1_600), bytes(64_000), "x" * 200_000]
    async with serve(engine=engine, ssl=server_tls) as site:
        ear = Ear()
        wire = await dial(f"wss://localhost:{site.port}/a?b", ear, headers={}, engine=engine, ssl=client_tls)
        for message in messages:
            wire.send(message)
        assert await ear.until_messages(len(messages)) == messages
        assert site.requests[0].secure
        assert site.requests[0].target == "/a?b"
        (await site.ear()).wire.close(4000, "bye")
        assert await ear.until_lost() == (4000, "bye")


@both_loops
async def test_tls_keeps_what_comes_behind_the_request(serve, engine, server_tls, client_tls):
    many = b"".join(frame(2, bytes([i]) * 3_000) for i in range(200))
    async with serve(engine=engine, ssl=server_tls) as site, site.raw(client_tls) as client:
        client.say(client.head() + many)
        assert (await client.answer())[0] == 101
        for i in range(200):
            assert await client.read_frame() == (0x82, bytes([i]) * 3_000)


@both_loops
@pytest.mark.parametrize("data", [frame(1, b"\xff"), frame(2, length=300_000), frame(2, b"a", mask=False)])
async def test_tls_peers_that_break_the_rules_are_told(serve, engine, server_tls, client_tls, data):
    async with serve(engine=engine, ssl=server_tls) as site, site.raw(client_tls) as client:
        await client.upgrade()
        client.say(data + bytes(100_000))
        assert await client.close_code() in (1002, 1007, 1009)


@both_loops
async def test_tls_refusals_and_silence(serve, engine, server_tls, client_tls):
    limits = WireLimits(head_timeout=0.2, close_timeout=0.2)
    accept = lambda request: Refusal(401, delay=0.01)  # noqa: E731
    async with serve(accept, engine=engine, ssl=server_tls, limits=limits) as site:
        async with site.raw(client_tls) as client:
            client.say(client.head())
            assert (await client.answer())[0] == 401
            assert await client.to_end() == b""
        async with site.raw() as plain, site.raw() as silent:
            plain.say(plain.head())
            assert b"HTTP" not in await plain.to_end()
            assert await silent.to_end() == b""  # it never began with TLS


@both_loops
async def test_wrong_tls_clients_are_told_what_is_wrong(serve, engine, server_tls):
    async with serve(engine=engine, ssl=server_tls) as site:
        with pytest.raises(ConnectionLost, match=r"the certificate of localhost port .* is not trusted"):
            await dial(f"wss://localhost:{site.port}/", Ear(), headers={}, engine=engine)
        with pytest.raises(ConnectionLost):
            await dial(f"ws://localhost:{site.port}/", Ear(), headers={}, engine=engine)
    async with serve(engine=engine) as site:
        with pytest.raises(ConnectionLost, match="does not speak TLS"):
            await dial(f"wss://localhost:{site.port}/", Ear(), headers={}, engine=engine)


async def test_tls_1_1_is_refused(serve, engine, server_tls, client_tls):
    assert server_tls.minimum_version == tls.TLSVersion.TLSv1_2


@both_loops
async def test_a_server_that_hangs_up_during_the_handshake(engine):
    troubles = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))

    async def server(reader, writer):
        await reader.read(1_000)
        writer.close()

    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    with pytest.raises(ConnectionLost, match=f"localhost port {port}"):
        await dial(f"wss://localhost:{port}/", Ear(), headers={}, engine=engine)
    listener.close()
    assert troubles == []


def test_certificates_that_cannot_be_used(certificate, tmp_path):
    cert, key = certificate
    other, locked, rubbish = tmp_path / "other.pem", tmp_path / "locked.pem", tmp_path / "rubbish.pem"
    openssl = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    subprocess.run([*openssl, "-out", str(other)], check=True, capture_output=True)
    subprocess.run([*openssl, "-aes256", "-pass", "pass:x", "-out", str(locked)], check=True, capture_output=True)
    rubbish.write_text("no PEM")
    cases = [
        (tmp_path / "none.pem", key, "cannot read the TLS file .*none.pem: No such file"),
        (cert, tmp_path, "cannot read the TLS file .*: Is a directory"),
        (cert, other, "does not belong to the certificate"),
        (cert, locked, "needs a passphrase"),
        (rubbish, key, "must be a certificate and a key in PEM"),
    ]
    for cert_file, key_file, message in cases:
        with pytest.raises(UsageError, match=message):
            ssl_context(cert_file, key_file)


async def test_handshakes_that_never_end_are_bounded(serve, server_tls, client_tls):
    limits = WireLimits(max_waiting=3, close_timeout=0.2)
    async with serve(ssl=server_tls, limits=limits) as site, AsyncExitStack() as stack:
        first, second, third, fourth = [await stack.enter_async_context(site.raw()) for _ in range(4)]
        assert await first.to_end() == b""
        ear = Ear()
        wire = await dial(f"wss://localhost:{site.port}/", ear, headers={}, ssl=client_tls)
        wire.send("let in")
        assert await ear.until_messages(1) == ["let in"]
        assert await second.to_end() == b""
        for client in (third, fourth):
            assert not client.reader.at_eof()


@both_loops
async def test_handshakes_under_way_end_with_the_listener(serve, server_tls):
    async with serve(ssl=server_tls, limits=WireLimits(head_timeout=3_600)) as site, site.raw() as client:
        client.say(b"\x16\x03\x01\x02\x00")
        site.listening.close()
        await site.listening.wait_closed()
        assert await client.to_end(reset_will_do=True) == b""


@pytest.mark.virtual_time
async def test_without_room_for_connections_accepting_rests_a_second(server_tls, caplog):
    class Listener:
        attempts = 0

        def setblocking(self, flag):
            pass

        def fileno(self):
            return 0

        def accept(self):
            self.attempts += 1
            raise OSError(errno.EMFILE, "Too many open files")

        def close(self):
            pass

    loop = asyncio.get_running_loop()
    readers = {}
    loop.add_reader = lambda fd, callback, *args: readers.update({fd: (callback, args)})
    loop.remove_reader = lambda fd: readers.pop(fd, None)
    listener = Listener()
    server = TlsServer([listener], asyncio.Protocol, server_tls, WireLimits())
    callback, args = readers[listener]
    callback(*args)
    assert (listener.attempts, readers) == (1, {})
    assert caplog.text.count("ulimit -n") == 1
    await asyncio.sleep(1.01)
    assert list(readers) == [listener]
    server.close()
    assert readers == {}


@both_loops
async def test_peers_that_leave_during_the_handshake_are_nobodys_trouble(serve, engine, server_tls):
    async with serve(engine=engine, ssl=server_tls) as site:
        for said in (b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"):
            async with site.raw() as client:
                client.say(said)
        async with site.raw() as client:
            client.writer.transport.abort()
    # serve() has checked that the loop was not told of an exception


def test_errors_of_binding_leave_no_socket(server_tls):
    async def main():
        from offhook.session.listen import listen

        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError):
            await listen(lambda request: Refusal(404), "127.0.0.1", taken.getsockname()[1], ssl=server_tls)

    asyncio.run(main())
