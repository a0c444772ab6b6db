"""Does the cost grow with the calls in a straight line? CPU of the server and p99 of its pings, from 10 calls up.

Prints a table and draws a plot into benchmarks/growth.svg. A frame is dearer where calls are few: each of them wakes
the process by itself.

Run: python benchmarks/growth.py [--most 10000] [--seconds 5]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import rig
import subjects
from rig import Load
from subjects import offhook

STEPS = (10, 100, 500, 1000, 2000, 4000, 6000, 8000, 10_000, 12_000)


def plot(points: dict[str, list[tuple[int, float]]]) -> str:
    """Share of the core over the number of calls, as SVG."""
    width, height, left, bottom = 640, 360, 56, 40
    most = max(x for line in points.values() for x, _ in line)
    colours = ("#1f6feb", "#8c959f", "#bf8700", "#1a7f37", "#cf222e")

    def at(x: float, y: float) -> str:
        return f"{left + x / most * (width - left - 16):.1f},{height - bottom - y * (height - bottom - 16):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1.0):
        x, y = at(0, share).split(",")
        parts.append(f'<path d="M{x},{y}H{width - 16}" stroke="#d0d7de"/>')
        parts.append(f'<text x="{left - 8}" y="{float(y) + 4}" text-anchor="end">{share:.0%}</text>')
    parts.append(f'<text x="{width / 2}" y="{height - 8}" text-anchor="middle">calls, up to {most:,}</text>')
    for row, (name, line) in enumerate(points.items()):
        colour = colours[row % len(colours)]
        path = " ".join(at(x, y) for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{left + 12}" y="{28 + 16 * row}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    known = subjects.baselines(echo=False)
    compared = {name: known[name] for name in ("C epoll", "bare picows")} | {"Offhook": offhook("monitor", "messages")}
    rows, points = [], {name: list[tuple[int, float]]() for name in compared}
    for sessions in (step for step in STEPS if step <= options.most):
        row: list[object] = [f"{sessions:,}"]
        for name, command in compared.items():
            run = rig.measure(command, Load(sessions, "listen", 3200, 200, options.seconds))
            points[name].append((sessions, run.share))
            mark = "" if run.holds() else " *"
            row.append(f"{run.share:.1%}, {run.us_per_frame:.1f} us, {run.seen['ping']['p99'] / 1000:.2f} ms{mark}")
        rows.append(row)
    rig.table("Share of the core, CPU a frame, p99 of pings; * did not hold", ("calls", *compared), rows)
    Path(__file__).with_name("growth.svg").write_text(plot(points))


if __name__ == "__main__":
    main()
