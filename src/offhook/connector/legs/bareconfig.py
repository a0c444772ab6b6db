"""What the SIP stack of `baresip-python` is told at its start: settings that it would take silently for something else
are found here, the others become its configuration and its accounts."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from typing import Any, Final

from ...errors import UsageError
from .baredevice import NAME
from .sipstack import Account, StackSettings

#: Headers that are always asked for.
_ALWAYS: Final = ("From", "To", "P-Asserted-Identity", "Diversion")
#: Headers that it can give.
_MOST_HEADERS: Final = 16
#: Ports of UDP that are tried until one is free for TCP as well.
_TRIES: Final = 20
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,63}", re.ASCII)
_USER: Final = re.compile(r"[0-9A-Za-z+*#._-]{1,64}", re.ASCII)
_HOST: Final = re.compile(
    r"(?:(?P<name>[0-9A-Za-z.-]{1,253})|\[(?P<v6>[0-9A-Fa-f:.]+)\])(?::(?P<port>\d{1,5}))?", re.ASCII
)
_LABEL: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?", re.ASCII)
_SECRET: Final = re.compile(r'[^"\\\x00-\x1f]*')
#: Its names for what SRTP is to be.
_MEDIA_ENCRYPTION: Final = {"off": "", "optional": ";mediaenc=srtp", "mandatory": ";mediaenc=srtp-mandf"}


def check(settings: StackSettings) -> None:
    """Raises `UsageError` for settings that the stack would not take, or would silently take for something else."""
    try:
        ipaddress.ip_address(settings.host)
    except ValueError:
        raise UsageError(
            f"host: SIP listens on an address, such as 192.0.2.7 or 0.0.0.0, not on {settings.host!r}"
        ) from None
    if not 0 <= settings.port <= 65_535:
        raise UsageError(f"there is no port {settings.port}: ports are 0 to 65535")
    first, last = settings.rtp_ports
    if not 1024 <= first < last <= 65535:
        raise UsageError(f"rtp-ports must be two ports between 1024 and 65535, the lower one first: {first}, {last}")
    least, most = settings.jitter
    if not 20 <= least <= most <= 1000:
        raise UsageError(f"jitter must be two times between 20 and 1000 ms, the lower one first: {least}, {most}")
    if not settings.codecs or len(settings.codecs) > len(set(settings.codecs) & {"pcmu", "pcma"}):
        raise UsageError(f"codecs are pcmu and pcma, each once: not {', '.join(settings.codecs) or 'none'}")
    for account in settings.accounts:
        _check_account(account)
    for name in settings.headers:
        if not _HEADER.fullmatch(name):
            raise UsageError(f"headers: {name!r} is no name of a SIP header")
    if len({*_ALWAYS, *settings.headers}) > _MOST_HEADERS:
        raise UsageError(f"headers: calls can bring {_MOST_HEADERS - len(_ALWAYS)} headers along, not more")


def _check_account(account: Account) -> None:
    if not _is_host(account.host):
        raise UsageError(f"trunk: host is an address or a name, perhaps with a port, not {account.host!r}")
    if not _USER.fullmatch(account.user):
        raise UsageError(f"trunk {account.host}: user is a plain name or number")
    if not _SECRET.fullmatch(account.password):
        raise UsageError(f"trunk {account.host}: the password of SIP cannot hold quotes, backslashes or line breaks")
    if account.register and not 60 <= account.register <= 86_400:
        raise UsageError(f"trunk {account.host}: register is 60 to 86400 seconds, or 0 for never: {account.register}")


def _is_host(text: str) -> bool:
    found = _HOST.fullmatch(text)
    if found is None or (found["port"] is not None and not 0 < int(found["port"]) <= 65_535):
        return False
    if found["v6"] is None:
        return all(_LABEL.fullmatch(label) for label in found["name"].split("."))
    try:
        return bool(ipaddress.IPv6Address(found["v6"]))
    except ValueError:
        return False


def configuration(settings: StackSettings, port: int) -> dict[str, Any]:
    """Arguments of `baresip.Config`."""
    least, most = settings.jitter
    first, last = settings.rtp_ports
    unspecified = ipaddress.ip_address(settings.host).is_unspecified
    return {
        "net_interface": None if unspecified else settings.host,
        "expose_headers": tuple(dict.fromkeys((*_ALWAYS, *settings.headers))),
        "native_log_level": "warning",
        "max_concurrent_calls": None,  # the door counts them: this one would answer 486
        "rtp_timeout": settings.rtp_timeout,
        "extra_config_text": (
            f"sip_listen {_in_uri(settings.host)}:{port}\n"
            "sip_transports udp,tcp\n"
            f"rtp_ports {first}-{last}\n"
            "audio_jitter_buffer_type adaptive\n"
            f"audio_jitter_buffer_ms {least}-{most}\n"
            f"audio_jitter_buffer_size {most // 10 + 10}\n"  # packets may be of 10 ms
            "audio_buffer 20-160\n"  # nobody plays what is in it
            "audio_buffer_mode fixed\n"
        ),
    }


def account_line(settings: StackSettings, account: Account | None, port: int) -> str:
    """An account as the stack reads it; None is ourselves, who take all calls that are for no other.

    Written out: an `Account` of the library names one transport, and would refuse the calls of the other.
    """
    shared = (
        f";answermode=manual;dtmfmode=rtpevent;audio_codecs={','.join(settings.codecs)}"
        f";audio_source={NAME},default;audio_player={NAME},default"
        f"{_MEDIA_ENCRYPTION[settings.srtp]}"
    )
    if account is not None:
        secret = f';auth_user={account.user};auth_pass="{account.password}"' if account.password else ""
        return f"<sip:{account.user}@{account.host}>{secret};regint={account.register}{shared}"
    address = ipaddress.ip_address(settings.host)
    home = "localhost" if address.is_unspecified else _in_uri(settings.host)
    return f"<sip:offhook@{home}:{port}>;regint=0;catchall=yes{shared}"


def free_port(host: str, port: int) -> int:
    """The port, or a free one for 0: the stack says nothing when it cannot have one. Raises `UsageError`."""
    tries = 1 if port else _TRIES
    while True:
        tries -= 1
        try:
            return _bound(host, port)
        except OSError as error:
            if not tries or error.errno != errno.EADDRINUSE:
                raise UsageError(f"SIP cannot listen on host {host} port {port}: {error.strerror}") from None


def _bound(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as udp, socket.socket(family, socket.SOCK_STREAM) as tcp:
        udp.bind((host, port))
        found = int(udp.getsockname()[1])
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((host, found))
        return found


def _in_uri(host: str) -> str:
    return f"[{host}]" if ":" in host else host
