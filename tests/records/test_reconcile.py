"""Usage against traces, over real calls of a connector in virtual time: they agree to the sample, or it is told."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from tests.connector.exchanges import World, says, speech

from offhook.connector.legs.wav import WavLeg
from offhook.protocol import TRANSCRIPTION
from offhook.records.metering import RATE, Measured
from offhook.records.reconcile import reconcile, traces
from offhook.records.record import Keep
from offhook.records.store import CallStore
from offhook.records.tape import TRACE
from offhook.records.usage import Ledger, Meter

pytestmark = pytest.mark.virtual_time


async def calls(tmp_path):
    """Three calls with pauses of both sides, a hang-up and a lost socket; returns ledger and folder."""
    ledger, folder = Ledger(tmp_path / "u.db"), tmp_path / "calls"
    meter, store = Meter(ledger, lambda: 0.0), CallStore(folder, Keep(audio=False, report=False))
    world = World(meter=meter, store=store)

    def pause(bot):
        bot.session.pause()

    def resume(bot):
        bot.session.resume()

    world.serve("one", says((1.234, pause), (1.0, resume), (3.1, {"a": "b"})))
    world.serve("two", says((4.4444, lambda bot: bot.link.connection.abort())))
    world.serve("three")
    world.monitor("stt", says_nothing(), tenant="acme")

    async def flow(call):
        call.monitor("stt")
        talking = asyncio.ensure_future(call.audio_connector("one"))
        await asyncio.sleep(0.77)
        with call.secure():
            await asyncio.sleep(0.9)
        await asyncio.wait((talking,))
        await call.audio_connector("two")
        await call.audio_connector("three")

    async with world.connector:
        await world.call(flow, WavLeg(speech(2.0), hang_up_after=12.3456))
    store.close()
    meter.close()
    return ledger, folder


def says_nothing():
    bot = says()
    bot.profile = TRANSCRIPTION
    return bot


async def test_usage_and_traces_agree_to_the_sample(tmp_path):
    ledger, folder = await calls(tmp_path)
    rows = ledger.read()
    assert sorted(row.integration for row in rows) == ["one", "stt", "three", "two"]
    assert all(row.ended for row in rows)
    by = {row.integration: row for row in rows}
    assert by["one"].measured.client
    assert by["one"].measured.server
    # Line ticks are 20 ms; the bot's own pause came at its own time, to the sample.
    assert by["one"].measured.connected == pytest.approx(5.334 * RATE, abs=2)
    for server_pauses in (True, False):
        agreed, differences = reconcile(rows, traces(folder), server_pauses=server_pauses)
        assert (agreed, differences) == (4, [])
    ledger.close()


async def test_what_does_not_agree_is_told(tmp_path):
    ledger, folder = await calls(tmp_path)
    rows = {row.integration: row for row in ledger.read()}
    ledger.close()
    opened, last = rows["one"].measured.opened, rows["one"].measured.last
    wrong = msgspec.structs.replace(rows["one"], measured=Measured(opened, last + 1))
    (path,) = [path for path, kept in traces(folder) if kept.header.session == rows["two"].session]
    path.unlink()
    (path,) = [path for path, kept in traces(folder) if kept.header.session == rows["three"].session]
    path.write_bytes(b"nothing\n" + path.read_bytes())
    agreed, differences = reconcile([wrong, rows["two"], rows["three"]], traces(folder))
    problems = {(each.session, each.problem) for each in differences}
    assert (rows["one"].session, "differs") in problems
    assert (rows["two"].session, "no trace") in problems
    assert (rows["stt"].session, "no usage") in problems
    assert "unreadable" in {problem for _, problem in problems}
    assert agreed == 0
    assert TRACE


async def test_a_session_that_a_crash_cut_off_may_differ_by_what_was_not_written(tmp_path):
    ledger, folder = await calls(tmp_path)
    rows = [row for row in ledger.read() if row.integration == "two"]
    ledger.close()
    kept = [(path, each) for path, each in traces(folder) if each.header.session == rows[0].session]
    measured = rows[0].measured
    short = msgspec.structs.replace(measured, last=measured.last - RATE)
    cut = msgspec.structs.replace(rows[0], measured=short, ended=False)
    assert reconcile([cut], kept) == (1, [])
    assert reconcile([msgspec.structs.replace(cut, ended=True)], kept)[0] == 0
