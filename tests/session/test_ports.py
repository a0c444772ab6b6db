"""Ports that are held for others."""

from __future__ import annotations

import socket

import pytest

from offhook.errors import UsageError
from offhook.session.ports import hold


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", None])
def test_a_held_port_is_one_number_and_others_can_share_it(host):
    held = hold(host, 0)
    try:
        with socket.create_server(("127.0.0.1", held.port), reuse_port=True) as listener:
            # The holder takes no connection away.
            for _ in range(8):
                with socket.create_connection(("127.0.0.1", held.port)):
                    listener.accept()[0].close()
    finally:
        held.close()


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_that_somebody_listens_on_cannot_be_held(shared):
    with socket.create_server(("127.0.0.1", 0), reuse_port=shared) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen on port {port} on 127.0.0.1"):
            hold("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_told():
    with pytest.raises(UsageError, match=r"cannot listen on port 0 on 192\.0\.2\.1"):
        hold("192.0.2.1", 0)
