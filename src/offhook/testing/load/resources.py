"""What the kernel must allow before thousands of calls can be placed: file descriptors and ports."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Final

from ...errors import UsageError

#: Descriptors that a process needs besides its sockets.
_SPARE: Final = 64
_PORTS: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


def make_room(calls: int) -> None:
    """Let this process, and those that it starts, open so many sockets: raises the soft limit by itself.

    Raises:
        UsageError: The hard limit is too low.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = calls + _SPARE
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UsageError(
            f"{calls} calls in one process need {needed} file descriptors and it may have {hard}: "
            f"raise the limit (ulimit -n {needed}, as root; LimitNOFILE= in systemd), or use more --processes"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else hard, hard))


def check_ports(calls: int, ports: Path = _PORTS) -> None:
    """One address can hold only so many sockets towards one port of a server.

    Raises:
        UsageError: There are fewer ports than calls.
    """
    try:
        low, high = map(int, ports.read_text().split())
    except (OSError, ValueError):
        return
    count = high - low + 1
    if calls > count:
        raise UsageError(
            f"{calls} calls need as many local ports and this machine gives {count}: "
            "widen the range (sysctl -w net.ipv4.ip_local_port_range='1024 65535', as root)"
        )
