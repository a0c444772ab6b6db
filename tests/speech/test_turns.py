"""Turn taking on scripted scores: each letter is 20 ms, `#` voice, `.` silence, `-` in between."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.errors import UsageError
from offhook.speech.finality import Finality
from offhook.speech.turns import Decision, Ended, Paused, Resumed, Started, TurnDetector, TurnPolicy

FRAME = 160
PLAIN = TurnPolicy(pause=0.25, silence=0.5)
SCORES = {"#": 0.9, "-": 0.47, ".": 0.1}  # "-" lies between `leave` and `enter`


def run(
    script: str, policy: TurnPolicy | None = None, at: int = 0, turns: TurnDetector | None = None
) -> list[Decision]:
    turns = turns or TurnDetector(policy or PLAIN)
    decisions: list[Decision] = []
    for index, letter in enumerate(script):
        start = at + index * FRAME
        decisions += turns.score(SCORES[letter], start, start + FRAME)
    return decisions


def frames(count: int) -> int:
    return count * FRAME


def test_a_turn_starts_is_paused_and_ends() -> None:
    decisions = run("." * 10 + "#" * 20 + "." * 30)
    assert decisions == [
        Started(frames(10), frames(16)),  # 120 ms of voice, dated back to its beginning
        Paused(frames(30), frames(43)),  # 250 ms of silence lie within 13 frames
        Ended(frames(10), frames(30), frames(55), True, "silence", frames(30) + 6800),  # 0.5 s, and 0.35 s to settle
    ]


def test_positions_are_those_of_the_stream() -> None:
    started, _, ended = run("#" * 20 + "." * 30, at=1_000_003)
    assert started == Started(1_000_003, 1_000_003 + frames(6))
    assert isinstance(ended, Ended)
    assert ended.position == 1_000_003 + frames(20)


@pytest.mark.parametrize("script", ["." * 50, "-" * 50, "#####" + "." * 20, "#.." * 50])
def test_no_speech_starts_without_enough_voice(script: str) -> None:
    assert run(script) == []


def test_short_dropouts_do_not_delay_the_onset() -> None:
    assert run("##.##..##")[0] == Started(0, frames(9))


@pytest.mark.parametrize(
    ("scores", "started"),
    [
        ([1.0, 0.97, 0.93, 0.88, 0.8, 0.7, 0.6, 0.4, 0.2, 0.1], None),  # a cough on a line without noise
        ([1.0, 0.97, 0.93, 0.88, 0.8, 0.7, 0.75, 0.9], 7),  # it goes on: speech, from the first frame
        ([0.6, 0.8, 0.9, 0.95, 0.93, 0.92], 6),  # as good as it was
        ([0.99 - 0.03 * number for number in range(15)], 12),  # fading, and twice as long
    ],
)
def test_a_sound_that_fades_is_waited_for(scores: list[float], started: int | None) -> None:
    turns = TurnDetector(PLAIN)
    decisions = [d for at, score in enumerate(scores) for d in turns.score(score, frames(at), frames(at + 1))]
    assert decisions[:1] == ([] if started is None else [Started(0, frames(started))])


def test_less_voice_is_needed_to_go_on_than_to_start() -> None:
    decisions = run("#" * 10 + "-" * 100)
    assert decisions == [Started(0, frames(6))]


def test_voice_that_returns_continues_the_turn() -> None:
    decisions = run("#" * 10 + "." * 20 + "#" * 10 + "." * 30)
    kinds = [type(decision) for decision in decisions]
    assert kinds == [Started, Paused, Resumed, Paused, Ended]
    assert isinstance(decisions[-1], Ended)
    assert (decisions[-1].start, decisions[-1].position) == (0, frames(40))


def test_one_stray_frame_does_not_put_off_the_end() -> None:
    quiet = run("#" * 20 + "." * 40)[-1]
    stray = run("#" * 20 + "." * 18 + "#" + "." * 21)[-1]
    assert isinstance(quiet, Ended)
    assert isinstance(stray, Ended)
    assert stray.position == quiet.position
    assert stray.decided_at <= quiet.decided_at + 800


def test_voice_just_before_the_end_holds_it_back_only_until_it_is_clear() -> None:
    resumes = run("#" * 20 + "." * 24 + "#" * 10)
    assert [type(decision) for decision in resumes] == [Started, Paused, Resumed]
    dies = run("#" * 20 + "." * 24 + "#" + "." * 10)
    assert isinstance(dies[-1], Ended)
    assert dies[-1].decided_at == frames(20 + 24 + 1 + 6)


def test_a_cough_is_told_from_a_turn() -> None:
    policy = TurnPolicy(least=0.3)
    cough, word = run("#" * 10 + "." * 30, policy)[-1], run("#" * 16 + "." * 30, policy)[-1]
    assert isinstance(cough, Ended)
    assert isinstance(word, Ended)
    assert (cough.enough, word.enough) == (False, True)


def test_a_long_turn_is_cut_and_goes_on_as_the_next() -> None:
    policy = TurnPolicy(pause=0.25, silence=0.5, digits=0.6, open=0.8, longest=1.0)
    decisions = run("#" * 120 + "." * 30, policy)
    assert decisions[:3] == [
        Started(0, frames(6)),
        Ended(0, frames(50), frames(50), True, "length", frames(50)),
        Started(frames(50), frames(50)),
    ]
    last = decisions[-1]
    assert isinstance(last, Ended)
    assert (last.start, last.position, last.cause) == (frames(100), frames(120), "silence")


def test_a_jump_ends_the_turn_where_the_stream_stopped() -> None:
    turns = TurnDetector(PLAIN)
    run("#" * 20, turns=turns)
    decisions = run("#" * 6, at=500_000, turns=turns)
    assert decisions[0] == Ended(0, frames(20), frames(20), True, "cut", frames(20))
    assert decisions[1] == Started(500_000, 500_000 + frames(6))


def test_a_jump_while_paused_ends_the_turn_where_the_voice_stopped() -> None:
    turns = TurnDetector(PLAIN)
    run("#" * 20 + "." * 15, turns=turns)
    assert run(".", at=500_000, turns=turns) == [Ended(0, frames(20), frames(35), True, "cut", frames(35))]


def test_voice_before_a_jump_does_not_count_after_it() -> None:
    turns = TurnDetector(PLAIN)
    run("#####", turns=turns)
    assert run("#" + "." * 10, at=500_000, turns=turns) == []


def test_flush_ends_a_turn_once() -> None:
    turns = TurnDetector(PLAIN)
    run("#" * 20, turns=turns)
    assert turns.speaking
    assert turns.flush() == (Ended(0, frames(20), frames(20), True, "cut", frames(20)),)
    assert turns.flush() == ()
    assert not turns.speaking


def test_presets_differ_in_patience() -> None:
    script = "#" * 20 + "." * 100
    ends = [run(script, policy)[-1] for policy in (TurnPolicy.eager(), TurnPolicy(), TurnPolicy.patient())]
    times = [end.settled_at for end in ends if isinstance(end, Ended)]
    assert times == sorted(set(times))
    assert len(times) == 3


@pytest.mark.parametrize(
    ("finality", "silent", "settled"),
    [("finished", 0.3, 0.3), ("unsure", 0.5, 0.8), ("digits", 0.7, 1.0), ("open", 1.2, 1.5)],
)
def test_the_words_tell_how_long_a_pause_may_last(finality: Finality, silent: float, settled: float) -> None:
    turns = TurnDetector(TurnPolicy(pause=0.14, silence=0.5, finished=0.3, digits=0.7, open=1.2, settle=0.3))
    run("#" * 20 + "." * 8, turns=turns)
    assert turns.hint(finality) == ()
    (ended,) = run("." * 80, at=frames(28), turns=turns)
    assert isinstance(ended, Ended)
    assert ended.decided_at - ended.position == pytest.approx(silent * 8000, abs=FRAME)
    assert ended.settled_at - ended.position == pytest.approx(settled * 8000, abs=FRAME)


def test_words_that_come_late_end_the_turn_at_once() -> None:
    turns = TurnDetector(TurnPolicy(silence=0.5, finished=0.2))
    run("#" * 20 + "." * 15, turns=turns)
    assert turns.hint("finished") == (Ended(0, frames(20), frames(35), True, "silence", frames(35)),)
    assert turns.hint("finished") == ()


def test_what_was_said_before_the_voice_came_back_counts_no_more() -> None:
    turns = TurnDetector(TurnPolicy(pause=0.14, silence=0.5, open=2.0))
    run("#" * 20 + "." * 8, turns=turns)
    turns.hint("open")
    decisions = run("#" * 10 + "." * 30, at=frames(28), turns=turns)
    assert isinstance(decisions[-1], Ended)


def test_words_that_are_awaited_are_waited_for_as_for_a_number() -> None:
    turns = TurnDetector(TurnPolicy(pause=0.14, silence=0.3, finished=0.2, digits=0.7))
    run("#" * 20 + "." * 8, turns=turns)
    turns.await_words()
    assert run("." * 20, at=frames(28), turns=turns) == []
    (ended,) = turns.hint("unsure")
    assert isinstance(ended, Ended)


@given(
    st.lists(
        st.one_of(st.text("#.", min_size=1, max_size=30), st.sampled_from(["finished", "digits", "open", "unsure"]))
    )
)
def test_hints_at_any_time_leave_turns_whole(steps: list[str]) -> None:
    turns = TurnDetector(TurnPolicy(longest=2.0))
    at, speaking = 0, False
    for step in [*steps, "." * 150]:
        if set(step) <= {"#", "."}:
            decisions: Sequence[Decision] = run(step, at=at, turns=turns)
            at += frames(len(step))
        else:
            decisions = turns.hint(step)  # type: ignore[arg-type]
        for decision in decisions:
            if isinstance(decision, Started | Ended):
                assert speaking == isinstance(decision, Ended)
                speaking = not speaking
    assert not speaking


@pytest.mark.parametrize(
    "settings",
    [
        {"leave": 0.6},
        {"enter": 1.1},
        {"leave": 0},
        {"pause": 0.6},
        {"silence": 40},
        {"onset": 0},
        {"least": 0.1},
        {"finished": 0},
        {"open": 40},
        {"settle": -0.1},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="turn policy needs"):
        TurnPolicy(**settings)


@given(st.lists(st.tuples(st.text("#-.", max_size=80), st.integers(0, 3)), max_size=8))
def test_whatever_comes_turns_are_whole_and_in_order(stretches: list[tuple[str, int]]) -> None:
    """Starts and ends alternate, pauses lie within turns, and no turn reaches into another or across a jump."""
    turns = TurnDetector(TurnPolicy(pause=0.25, silence=0.5, longest=2.0))
    at, decisions, jumps = 0, [], []
    for script, gap in stretches:
        decisions += run(script, at=at, turns=turns)
        at += frames(len(script)) + gap * 1000
        jumps.append((at - gap * 1000, at))
    decisions += turns.flush()

    speaking, end_of_last = False, 0
    for decision in decisions:
        match decision:
            case Started(position, decided_at):
                assert not speaking
                assert end_of_last <= position <= decided_at
                speaking = True
            case Ended(start, position, decided_at):
                assert speaking
                assert end_of_last <= start <= position <= decided_at
                assert not any(start < before and after < position for before, after in jumps if before != after)
                speaking, end_of_last = False, position
            case Paused() | Resumed():
                assert speaking
    assert not speaking
