"""The pytest plugin: fixtures `caller`, `misbehaving_server`, `faulty_line` and `virtual_clock`.

pytest imports this file in every run where Offhook is installed, so it loads nothing of Offhook until a fixture is
asked for. `async def` tests that use one of the fixtures are run here, unless pytest-asyncio or anyio was asked to.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Protocol, cast

import pytest

if TYPE_CHECKING:
    import asyncio

    from ..bots.host import Host
    from ..connector import Call
    from .calling import Callers
    from .clock import VirtualClock
    from .faults import Fault, Line
    from .misbehaving import Flaw, MisbehavingServer
    from .threads import LoopThread

OURS = frozenset({"caller", "misbehaving_server", "faulty_line", "virtual_clock"})
_CALLERS: pytest.StashKey[Callers] = pytest.StashKey()


class MakeCaller(Protocol):
    """See the fixture `caller`."""

    def __call__(self, target: str | Host, **options: Any) -> Call: ...


class MakeServer(Protocol):
    """See the fixture `misbehaving_server`."""

    def __call__(self, flaw: str | Flaw | None = None, **options: Any) -> MisbehavingServer: ...


class MakeLine(Protocol):
    """See the fixture `faulty_line`."""

    def __call__(self, uri: str, fault: Fault | None = None, **fields: Any) -> Line: ...


# Tests that are coroutines.


def _asked_elsewhere(item: pytest.Function) -> str | None:
    """The other plugin that was asked to run a test."""
    for name in ("asyncio", "anyio", "trio"):
        if item.get_closest_marker(name) is not None:
            return name
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine that uses our fixtures: in virtual time if it uses `virtual_clock`."""
    ours = OURS & set(pyfuncitem.fixturenames)
    if not ours or not inspect.iscoroutinefunction(pyfuncitem.obj) or _asked_elsewhere(pyfuncitem):
        return None
    import asyncio

    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if "virtual_clock" in ours:
        factory = cast("VirtualClock", pyfuncitem.funcargs["virtual_clock"]).new_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(pyfuncitem.obj(**arguments))
    return True


# Fixtures.


@pytest.fixture
def caller(request: pytest.FixtureRequest) -> MakeCaller:
    """Places calls as the platform does: `async with caller(uri) as call`.

    Takes what `offhook.connect` takes; or a `Bot` or `Monitor` in place of the URI, which is then called in memory,
    without a socket. If the test fails, its report shows what was said on the wire of each call.
    """
    from .calling import Callers

    callers = request.node.stash[_CALLERS] = Callers()
    return callers.place


@pytest.fixture
def misbehaving_server(_loop_thread: Callable[[], LoopThread]) -> Iterator[MakeServer]:
    """Starts AudioHook servers that are wrong in one place: `server = misbehaving_server("no-pong")`.

    Takes what `offhook.testing.misbehaving.misbehaving` takes: a name of `FLAWS`, a `Flaw`, or nothing for a server
    that is right. `server.uri` is where it listens, `server.received` what clients sent. It runs in a thread of its
    own, so that tests of any kind, and clients in other processes, may talk to it.
    """
    from contextlib import ExitStack

    from .misbehaving import misbehaving

    with ExitStack() as stack:
        yield lambda flaw=None, **options: stack.enter_context(misbehaving(flaw, thread=_loop_thread(), **options))


@pytest.fixture
def faulty_line(_loop_thread: Callable[[], LoopThread]) -> MakeLine:
    """Spoils the line to a server: `line = faulty_line(uri, split=1, ends_after=2000)`.

    Takes the fields of `offhook.testing.faults.Fault`, or `seed` for faults that are drawn anew for each connection.
    Any client may call `line.uri`; where requests are signed, `caller(uri, via=line.via)` signs for the server's own.
    """
    from .faults import through

    return lambda uri, fault=None, **fields: _loop_thread().enter(through(uri, fault, **fields))


@pytest.fixture
def virtual_clock(request: pytest.FixtureRequest) -> VirtualClock:
    """Time that passes only when nothing else is left to do: an hour of a call takes a moment.

    An `async def` test that uses it runs in virtual time. In others, `virtual_clock.run(coroutine)` does. Sockets and
    threads take real time: call bots in memory, with `caller(bot)`.
    """
    from .clock import VirtualClock

    other = _asked_elsewhere(request.node)
    if other:
        pytest.fail(
            f"virtual_clock brings an event loop of its own: take the marker {other} off the test, "
            "or make the test a plain function that calls virtual_clock.run(...)",
            pytrace=False,
        )
    return VirtualClock()


@pytest.fixture
def _loop_thread() -> Iterator[Callable[[], LoopThread]]:
    """One thread for all servers of a test, started by the first one."""
    from .threads import LoopThread

    threads: list[LoopThread] = []

    def thread() -> LoopThread:
        if not threads:
            threads.append(LoopThread())
        return threads[0]

    yield thread
    for each in threads:
        each.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what was said on the wire, where a test has failed."""
    report = yield
    callers = item.stash.get(_CALLERS, None)
    if callers is not None and report.when == "call" and report.failed:
        report.sections += callers.report()
    return report
