"""`offhook usage`: wrong use, and what a month without usage looks like. Its figures are tested with `offhook run`."""

from __future__ import annotations

import pytest
from tests.cli.running import offhook, wrong_use

from offhook.records.metering import RATE, Measured
from offhook.records.usage import Ledger, Used


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--month", "11-2026"), "write it like 2026-11"),
        (("--month", "2026-13"), "write it like 2026-11"),
        (("--csv", "--json"), "one of --csv and --json"),
        ((), "there is no database"),
    ],
)
def test_wrong_use_is_one_line(arguments, words):
    assert words in wrong_use(offhook("usage", *arguments))


def test_a_month_without_usage():
    Ledger("offhook.db").close()
    assert offhook("usage", "--month", "2026-11").out == "no usage in 2026-11\n"
    assert offhook("usage", "--month", "2026-11", "--csv").out.count("\n") == 1
    assert offhook("usage", "--month", "2026-11", "--csv", "--sessions").out.startswith("session,conversation,month,")
    assert offhook("usage", "--json").json["usage"] == []
    assert "there are no traces" in wrong_use(offhook("usage", "--verify"))


def test_sums_fit_a_screen_and_can_be_narrowed():
    ledger = Ledger("offhook.db")
    ledger.write(
        Used(session=f"s{n}", conversation="c", integration=name, tenant="acme", started="2026-11-05T10:00:00+00:00",
             measured=Measured(0, 90 * RATE), written=0.0, ended=name == "bot")
        for n, name in enumerate(("bot", "bot", "other"))
    )  # fmt: skip
    ledger.close()
    out = offhook("usage", "--month", "2026-11").out
    assert max(map(len, out.splitlines())) <= 100
    assert "180.000" in out
    narrowed = offhook("usage", "--month", "2026-11", "--integration", "other", "--json").json["usage"]
    assert [line["integration"] for line in narrowed] == ["other"]
    states = offhook("usage", "--month", "2026-11", "--sessions", "--json").json["usage"]
    assert [line["state"] for line in states] == ["ended", "ended", "cut off"]
