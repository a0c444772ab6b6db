"""Draws `states.md` from the tables that run: python docs/make_states.py"""

from __future__ import annotations

from pathlib import Path

from offhook.protocol import MACHINES, PROFILES, Role
from offhook.protocol.messages import KINDS

PAGE = Path(__file__).parent / "states.md"
NAMES = {Role.CLIENT: "The client (the platform)", Role.SERVER: "The server (the partner)"}


def diagram(role: Role) -> str:
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> idle"]
    for state, row in MACHINES[role].items():
        arrows: dict[str, list[str]] = {}
        for (sender, type), target in row.items():
            arrows.setdefault(target.value, []).append(type if sender is role else f"({type})")
        lines += [f"    {state.value} --> {target}: {', '.join(types)}" for target, types in arrows.items()]
    return "\n".join([*lines, "    closed --> [*]", "```"])


def profiles() -> str:
    lines = ["| message | from | " + " | ".join(PROFILES) + " |", "|---|---|" + "---|" * len(PROFILES)]
    for type, kind in KINDS.items():
        marks = ["yes" if type in profile.types else "-" for profile in PROFILES.values()]
        lines.append(f"| `{type}` | {kind.sender.value} | " + " | ".join(marks) + " |")
    speaks = ["yes" if profile.speaks else "-" for profile in PROFILES.values()]
    return "\n".join([*lines, "| audio | server | " + " | ".join(speaks) + " |"])


def page() -> str:
    parts = [
        "# The state machines",
        "Made by `python docs/make_states.py` from the tables in `offhook.protocol.states`. "
        "Messages in parentheses are received; the others are sent.",
    ]
    for role, name in NAMES.items():
        parts += [f"## {name}", diagram(role)]
    parts += ["## Products", profiles()]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
