"""Figures: rows, their sums, and the text that Prometheus' own parser reads."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from offhook.session import figures
from offhook.session.figures import FIGURES, WIDTH


def row() -> list[float]:
    return [0.0] * WIDTH


def test_no_two_numbers_share_a_cell():
    cells = [
        figures.cell(figure, value) + extra
        for figure in FIGURES
        for value in figure.values or ("",)
        for extra in range(figure.cells if figure.kind == "histogram" else 1)
    ]
    assert sorted(cells) == list(range(WIDTH))


def test_names_are_as_prometheus_wants_them():
    for figure in FIGURES:
        assert figure.name.startswith("offhook_")
        assert figure.name.endswith("_total") == (figure.kind == "counter"), figure.name


@pytest.mark.parametrize(("amount", "bucket"), [(0.0, 0), (0.0005, 0), (0.0006, 1), (5.0, 12), (99.0, 13)])
def test_an_observation_falls_into_the_bucket_whose_bound_it_does_not_pass(amount, bucket):
    made = row()
    figures.observe(made, figures.OPENED, amount)
    at = figures.cell(figures.OPENED)
    assert made[at : at + 14].index(1.0) == bucket
    assert made[at + 14] == amount


def test_rows_are_summed_and_of_the_worst_the_worst_is_taken():
    one, other = row(), row()
    one[figures.cell(figures.SESSIONS)], other[figures.cell(figures.SESSIONS)] = 3, 4
    one[figures.cell(figures.LAG_MAX)], other[figures.cell(figures.LAG_MAX)] = 0.2, 0.1
    total = figures.total([one, other])
    assert total[figures.cell(figures.SESSIONS)] == 7
    assert total[figures.cell(figures.LAG_MAX)] == 0.2


def test_the_text_is_what_prometheus_reads():
    made = row()
    made[figures.cell(figures.ENDED, "hangup")] = 12
    made[figures.cell(figures.CPU)] = 1.25
    for amount in (0.0004, 0.003, 9.0):
        figures.observe(made, figures.OPENED, amount)
    families = {each.name for each in text_string_to_metric_families(figures.exposition(made).decode())}
    assert families == {figure.name.removesuffix("_total") for figure in FIGURES}
    samples = {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(figures.exposition(made).decode())
        for sample in family.samples
    }
    assert samples["offhook_sessions_ended_total", ("hangup",)] == 12
    assert samples["offhook_cpu_seconds_total", ()] == 1.25
    assert samples["offhook_opened_seconds_bucket", ("0.005",)] == 2
    assert samples["offhook_opened_seconds_bucket", ("+Inf",)] == samples["offhook_opened_seconds_count", ()] == 3
    assert samples["offhook_opened_seconds_sum", ()] == pytest.approx(9.0034)
