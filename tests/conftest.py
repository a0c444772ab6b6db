"""How tests run: `async def` tests on a loop of their own, in virtual time if marked so, and no task may leak."""

from __future__ import annotations

import asyncio
import gc
import inspect
import shutil
from collections.abc import Callable, Iterator

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

from offhook.testing.clock import VirtualLoop

# Machines are shared: how long an example takes says nothing about it.
settings.register_profile("offhook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("offhook")


#: Of tests that failed. What they left open may keep a uvloop from closing, for ever and deaf to signals: they stay.
_given_up: list[asyncio.Runner] = []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "virtual_time: run this coroutine on a loop whose clock is virtual")
    config.addinivalue_line("markers", "stock_loop: run this coroutine on asyncio's own loop instead of uvloop")


def _loop_factory(item: pytest.Function) -> Callable[[], asyncio.AbstractEventLoop]:
    if item.get_closest_marker("virtual_time"):
        return VirtualLoop
    if item.get_closest_marker("stock_loop"):
        return asyncio.SelectorEventLoop
    return uvloop.new_event_loop


def _seconds(item: pytest.Function) -> float | None:
    """How long a coroutine may take: the signal of pytest-timeout does not get through to a uvloop that waits."""
    if item.get_closest_marker("virtual_time"):
        return None
    marker = item.get_closest_marker("timeout")
    return 0.95 * float(marker.args[0] if marker else item.config.getini("timeout"))


async def _without_leaks(test: Callable[..., object], arguments: dict[str, object], seconds: float | None) -> None:
    async with asyncio.timeout(seconds):
        await test(**arguments)  # type: ignore[misc]
    for _ in range(3):  # what was cancelled at the very end has a moment to go
        await asyncio.sleep(0)
    leaked = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not leaked, f"tasks left behind: {leaked}"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    runner = asyncio.Runner(loop_factory=_loop_factory(pyfuncitem))
    try:
        runner.run(_without_leaks(pyfuncitem.obj, arguments, _seconds(pyfuncitem)))
    except BaseException:
        _given_up.append(runner)
        raise
    runner.close()
    gc.collect(0)
    return True


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser. It ends with its module: while it is up, no coroutine can be run in its thread."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "these tests need a browser: scripts/install_test_packages.sh"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()
