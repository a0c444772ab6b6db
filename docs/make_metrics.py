"""Writes the table of metrics in serving.md from the figures that are counted: python docs/make_metrics.py"""

from pathlib import Path

from offhook.session.figures import FIGURES

PAGE = Path(__file__).parent / "serving.md"
BEGIN, END = "<!-- metrics -->\n", "<!-- /metrics -->\n"


def page() -> str:
    """The page with a fresh table."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = ["| metric | kind | labels | what it says |", "|---|---|---|---|"]
    for figure in FIGURES:
        labels = f"`{figure.label}`: {', '.join(figure.values)}" if figure.label else ""
        lines.append(f"| `{figure.name}` | {figure.kind} | {labels} | {figure.help} |")
    return before + BEGIN + "\n".join(lines) + "\n" + END + after


if __name__ == "__main__":
    PAGE.write_text(page())
