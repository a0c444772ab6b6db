"""Which engine does what of SSML, as a table: made from what the engines say of themselves, so it is true."""

from __future__ import annotations

from typing import Final

from . import registry
from .phrases import Abilities, Range

OURS: Final = "Offhook"
ITSELF: Final = "the engine"
NOBODY: Final = "read as its text"


def abilities_of(engine: str) -> Abilities:
    """What a built-in synthesiser does by itself, whether it is installed or not.

    Raises:
        UsageError: There is no such engine.
        EngineError: Its adapter cannot be loaded.
    """
    found = registry.stated(engine, "abilities")
    return found if isinstance(found, Abilities) else Abilities()


def support(can: Abilities) -> dict[str, str]:
    """Who does what, by tag."""
    return {
        "`<speak>` `<p>` `<s>`": OURS,
        "`<break>`": OURS,
        '`<prosody rate="...">`': _who(can.rate),
        '`<prosody pitch="...">`': _who(can.pitch),
        '`<prosody volume="...">`': OURS,
        "`<emphasis>`": ITSELF if can.emphasis else OURS,
        "`<say-as>`": OURS,
        "`<sub>`": OURS,
        "`<phoneme>`": ITSELF if can.phonemes else NOBODY,
        "`<lang>`": "whoever speaks it",
        '`<voice name="...">`': "its voices, other engines",
        '`<voice gender="...">`': ", ".join(sorted(set(can.genders.values()))) or "not told apart",
        "`<audio>`": OURS,
        "`<mark>`": OURS,
        "end of each word": ITSELF if can.timing else "estimated",
    }


def table() -> str:
    """Markdown: a column for each engine that does something by itself, and one for all others."""
    named = {name: abilities_of(name) for name in registry.names() if "synthesiser" in registry.kinds(name)}
    able = {name: can for name, can in named.items() if can != Abilities()}
    columns = {**{name: support(can) for name, can in able.items()}, "all others": support(Abilities())}
    rows = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    tags = support(Abilities())
    rows += [f"| {tag} | " + " | ".join(column[tag] for column in columns.values()) + " |" for tag in tags]
    return "\n".join(rows)


def _who(able: Range) -> str:
    low, high = able
    if low == high:
        return OURS
    return f"{ITSELF} from {low:.0%} to {high:.0%}, {OURS} beyond"
