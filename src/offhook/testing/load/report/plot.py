"""Plots as drawings in a page: lines and dots over two axes, readable without a script."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ....records.report.markup import Html, content, element

_WIDTH: Final = 1000
_HEIGHT: Final = 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 12, 34


@dataclass(frozen=True)
class Series:
    """Values over x.

    Attributes:
        name: In the legend.
        tone: CSS class that colours it.
        points: (x, y), by x.
        dots: Draw points alone, not a line.
    """

    name: str
    tone: str
    points: Sequence[tuple[float, float]]
    dots: bool = False


class _Axis:
    """Maps values to a span of the drawing; logarithmic if told so."""

    def __init__(self, values: Iterable[float], low: float, high: float, *, log: bool) -> None:
        values = list(values)
        self._log = log
        if log:
            positive = [value for value in values if value > 0] or [1.0]
            self.first, self.last = 10 ** math.floor(math.log10(min(positive))), max(positive) * 1.2
            if self.last <= self.first:
                self.last = self.first * 10
        else:
            self.first, self.last = min(0.0, *values), max(values)
            if self.last <= self.first:
                self.last = self.first + 1.0
        self._low, self._high = low, high

    def at(self, value: float) -> float:
        first, last = self.first, self.last
        if self._log:
            first, last, value = math.log(first), math.log(last), math.log(max(value, self.first))
        share: float = (value - first) / (last - first)
        return round(self._low + share * (self._high - self._low), 1)

    def ticks(self) -> list[float]:
        if self._log:
            power, found = self.first, []
            while power <= self.last:
                found.append(power)
                power *= 10
            return found
        step = 10 ** math.floor(math.log10((self.last - self.first) / 4))
        step = next(step * factor for factor in (1, 2, 5, 10) if (self.last - self.first) / (step * factor) <= 6)
        return [
            step * number for number in range(math.ceil(self.first / step), math.floor(self.last / step + 1e-9) + 1)
        ]


def plot(
    title: str, across: str, up: str, series: Sequence[Series], *, log: bool = False, note: str = ""
) -> Html | None:
    """A plot with its legend; None if there is nothing to draw.

    Args:
        title: Above.
        across: Name of the x axis.
        up: Name and unit of the y axis.
        series: What to draw.
        log: Whether y is logarithmic.
        note: A sentence below the title.
    """
    series = [one for one in series if one.points]
    if not series:
        return None
    x = _Axis((at for one in series for at, _ in one.points), _LEFT, _WIDTH - _RIGHT, log=False)
    y = _Axis((value for one in series for _, value in one.points), _HEIGHT - _BOTTOM, _TOP, log=log)
    drawn = [
        [_tick_y(y, value) for value in y.ticks()],
        [_tick_x(x, value) for value in x.ticks()],
        element("text", across, x=_WIDTH - _RIGHT, y=_HEIGHT - 2, class_="axis end"),
        element("text", up, x=_LEFT + 6, y=_TOP + 10, class_="axis"),
        [_dots(one, x, y) if one.dots or len(one.points) == 1 else _line(one, x, y) for one in series],
    ]
    drawing = element(
        "svg", drawn, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", aria_label=f"{title}: {up} over {across}"
    )
    legend = element("p", [element("span", one.name, class_=one.tone) for one in series], class_="legend")
    return element(
        "figure",
        element("figcaption", title),
        element("p", note, class_="soft") if note else None,
        legend,
        element("div", drawing, class_="wide"),
    )


def _line(series: Series, x: _Axis, y: _Axis) -> Html:
    path = " ".join(f"{x.at(at)},{y.at(value)}" for at, value in series.points)
    hints = [_hint(series, at, value, x, y) for at, value in series.points] if len(series.points) <= 200 else []
    return content(element("polyline", points=path, class_=series.tone), hints)


def _hint(series: Series, at: float, value: float, x: _Axis, y: _Axis) -> Html:
    title = element("title", f"{series.name}: {value:g} at {at:g}")
    return element("circle", title, cx=x.at(at), cy=y.at(value), r=5, class_="hint")


def _dots(series: Series, x: _Axis, y: _Axis) -> Html:
    # One path for thousands of dots: a line of no length with round ends.
    path = "".join(f"M{x.at(at)} {y.at(value)}h0" for at, value in series.points)
    return element("path", d=path, class_=f"dots {series.tone}")


def _tick_y(y: _Axis, value: float) -> Html:
    at = y.at(value)
    return content(
        element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=at, y2=at, class_="grid"),
        element("text", _short(value), x=_LEFT - 8, y=at + 4, class_="tick end"),
    )


def _tick_x(x: _Axis, value: float) -> Html:
    return element("text", _short(value), x=x.at(value), y=_HEIGHT - _BOTTOM + 16, class_="tick middle")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"
