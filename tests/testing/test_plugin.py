"""The pytest plugin, in runs of pytest of its own: what the documentation shows is what is run."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from offhook import Bot, Call
from offhook.session.reception import Reception
from offhook.session.server import Server
from offhook.testing import plugin
from offhook.testing.misbehaving import FLAWS
from offhook.testing.threads import LoopThread

pytest_plugins = ("pytester",)
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text()
EXAMPLES = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "def test_" in block]


def run(pytester: pytest.Pytester, text: str, *arguments: str, autoload: bool = False) -> pytest.RunResult:
    pytester.makepyfile(text)
    if autoload:
        return pytester.runpytest_subprocess("-p", "offhook.testing.plugin", *arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        return pytester.runpytest_subprocess("-p", "offhook.testing.plugin", *arguments)


async def support(call: Call) -> None:
    call.send(b"\x55" * 8000)
    await call.end(order=(await call.dtmf(5, first=5)).removesuffix("#"))


def client_for_the_page() -> str:
    """What the page calls my_client: any client that is not ours to see."""
    return (
        "import asyncio\nfrom offhook import OffhookError, connect\n\n"
        "def my_client(uri):\n"
        "    async def call():\n"
        "        try:\n"
        "            async with connect(uri):\n"
        "                pass\n"
        "        except OffhookError:\n"
        "            pass\n"
        "    asyncio.run(call())\n\n"
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda block: re.search(r"def (test_\w+)", block)[1])  # type: ignore[index]
def test_the_examples_of_the_page(pytester: pytest.Pytester, example: str) -> None:
    thread = LoopThread()
    try:
        bot = Bot("support", preload=False)
        bot.handler(support)
        server = thread.enter(Server(Reception(bot)))
        example = example.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}")
        run(pytester, client_for_the_page() + example, "-q").assert_outcomes(passed=example.count("def test_"))
    finally:
        thread.close()


def test_the_page_names_every_flaw() -> None:
    rows = [f"| `{name}` | {flaw.does} |" for name, flaw in FLAWS.items()]
    assert "\n".join(rows) in PAGE


def test_a_failure_shows_the_wire(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        async def test_it(caller, misbehaving_server):
            async with caller(misbehaving_server().uri) as call:
                await call.dtmf("7")
            assert False
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*AudioHook call 1 to ws://127.0.0.1:*", '*s  client  {*"type":"open"*', '*"digit":"7"*']
    )


def test_a_fault_of_the_server_fails_the_test_that_asks_for_none(pytester: pytest.Pytester) -> None:
    run(
        pytester,
        """
        async def test_it(caller, misbehaving_server):
            async with caller(misbehaving_server("unasked-pong").uri) as call:
                await call.wait(0.3)
                await call.hang_up()
                result = await call.result()
            assert not result.violations
        """,
    ).assert_outcomes(failed=1)


def test_signed_requests_over_a_bad_line(pytester: pytest.Pytester) -> None:
    run(
        pytester,
        """
        import pytest
        from offhook.errors import UpgradeRejected

        async def test_it(caller, misbehaving_server, faulty_line):
            server = misbehaving_server(keys={"a2V5": "c2VjcmV0"})
            line = faulty_line(server.uri, split=1)
            signed = {"key": "a2V5", "secret": "c2VjcmV0"}
            async with caller(server.uri, via=line.via, **signed) as call:
                await call.hang_up()
                assert (await call.result()).ok
            with pytest.raises(UpgradeRejected):
                async with caller(server.uri, via=line.via, key="a2V5"):
                    pass
            assert len(line.proxy.faults) == 2
        """,
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize("marker", ["asyncio", "anyio"])
def test_virtual_time_says_what_it_cannot_share(pytester: pytest.Pytester, marker: str) -> None:
    result = run(
        pytester,
        f"""
        import pytest

        @pytest.mark.{marker}
        def test_it(virtual_clock):
            pass
        """,
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*take the marker {marker} off the test*"])


def test_other_tests_are_left_alone(pytester: pytest.Pytester) -> None:
    """An `async def` test without our fixtures is somebody else's, and nothing of Offhook is loaded for it."""
    result = run(
        pytester,
        """
        import sys

        async def test_of_somebody_else():
            pass

        def test_weight():
            loaded = {name for name in sys.modules if name.startswith("offhook")}
            assert loaded == {"offhook", "offhook.testing", "offhook.testing.plugin"}
            assert not {"numpy", "picows", "uvloop"} & set(sys.modules)
        """,
    )
    assert result.parseoutcomes()["passed"] == 1


def test_pytest_finds_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"offhook": plugin.__name__}
    assert not any(name.startswith("pytest") for name in project["dependencies"])
    assert project["optional-dependencies"]["testing"] == ["pytest>=8.2"]


def test_importing_it_loads_nothing() -> None:
    code = "import sys, pytest; seen = set(sys.modules); import offhook.testing.plugin; print(*set(sys.modules) - seen)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in done.stdout.split()} <= {"offhook"}
