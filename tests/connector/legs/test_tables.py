"""What legs' tables say is checked, and a mistake is one line that begins with its key."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.session.conftest import certificate  # noqa: F401 (a fixture)

from offhook.connector.legs.tables import (
    HostName,
    LegTable,
    Login,
    Site,
    SocketTable,
    SocketUrl,
    UrlPath,
    convert,
    in_url,
    secret,
)
from offhook.errors import UsageError


class Pager(SocketTable, frozen=True, kw_only=True):
    path: UrlPath = "/pager"
    url: SocketUrl = ""
    user: Login = "me"
    names: tuple[HostName, ...] = ()
    origins: tuple[Site, ...] = ()
    pair: tuple[int, int] = (1, 2)
    sound: Path | None = None


class Other(msgspec.Struct):
    inner: Pager


def table(**given: object) -> Pager:
    return convert({"port": 0} | given, Pager, Path("/etc/offhook"), "[legs.pager]")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"port": "8092"}, "[legs.pager] port: expected int, got str"),
        ({"port": 70_000}, "[legs.pager] port: expected int <= 65535"),
        ({"port": -1}, "[legs.pager] port: expected int >= 0"),
        ({"max-calls": 0}, "[legs.pager] max-calls: expected int >= 1"),
        ({"path": "pager"}, "[legs.pager] path: expected a path such as /calls"),
        ({"path": "/pager\n"}, "[legs.pager] path: expected a path such as /calls"),
        ({"url": "you.example"}, "[legs.pager] url: expected a URL such as wss://you.example/calls"),
        ({"user": "a:b"}, "[legs.pager] user: expected a name without colons and blanks"),
        ({"names": ["https://x"]}, "[legs.pager] names[0]: expected a host's name such as talk.you.example"),
        ({"origins": ["x"]}, "[legs.pager] origins[0]: expected a site such as https://you.example"),
        ({"pair": [1]}, "[legs.pager] pair: expected array of length 2, got 1"),
        ({"sound": 5}, "[legs.pager] sound: expected str, got int"),
        ({"max_calls": 5}, "[legs.pager] object contains unknown field max_calls"),
    ],
)
def test_mistakes_are_told_with_their_key(given, says):
    with pytest.raises(UsageError) as caught:
        table(**given)
    assert str(caught.value) == says


def test_what_is_missing_or_deep_is_told():
    with pytest.raises(UsageError, match=r"^\[legs.x\] object missing required field port$"):
        convert({}, Pager, Path(), "[legs.x]")
    with pytest.raises(UsageError, match=r"^\[legs.x\] inner.port: expected int, got str$"):
        convert({"inner": {"port": ""}}, Other, Path(), "[legs.x]")
    with pytest.raises(UsageError, match=r"^\[legs.x\] expected object, got int$"):
        convert(3, LegTable, Path(), "[legs.x]")


def test_paths_count_from_the_folder_of_the_file():
    assert table(sound="ring.wav").sound == Path("/etc/offhook/ring.wav")
    assert table(sound="/x/ring.wav").sound == Path("/x/ring.wav")


def test_tls_has_two_files_or_none(certificate):  # noqa: F811
    cert, key = (str(path) for path in certificate)
    assert table().ssl() is None
    assert table(**{"tls-cert": cert, "tls-key": key}).ssl() is not None
    with pytest.raises(UsageError, match="tls-cert and tls-key go together"):
        table(**{"tls-cert": cert}).ssl()
    with pytest.raises(UsageError, match=r"cannot read the TLS file /etc/offhook/none\.pem"):
        table(**{"tls-cert": "none.pem", "tls-key": key}).ssl()


def test_secrets_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("A_SECRET", "open sesame")
    assert (secret("password-env", "A_SECRET"), secret("password-env", "")) == ("open sesame", "")
    with pytest.raises(UsageError, match="password-env: the environment has no NO_SECRET"):
        secret("password-env", "NO_SECRET")


def test_hosts_in_urls():
    assert (in_url("::1"), in_url("127.0.0.1")) == ("[::1]", "127.0.0.1")
