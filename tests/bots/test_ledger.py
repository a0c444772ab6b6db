"""The ledger: right to the sample about what was heard, whatever was sent, played, cut off or lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.bots.ledger import Ledger

TICK = 160
GRID = 1600


class Line:
    """A ledger, and a platform some ticks away that plays what it got, 20 ms at a time, and tells exact positions."""

    def __init__(self, delay: int, cushion: int) -> None:
        self.recorded: list[tuple[int, bytes]] = []
        self.ledger = Ledger(lambda position, data: self.recorded.append((position, data)))
        self.delay = delay
        self.cushion = cushion
        self.now = 0  # in ticks
        self.position = 0
        self.queue = bytearray()
        self.truth: dict[int, int] = {}
        self.playing = False
        self.waited = 0
        self.down: deque[tuple[int, Callable[[], None]]] = deque()
        self.up: deque[tuple[int, Callable[[], None]]] = deque()

    @property
    def seconds(self) -> float:
        return self.now * TICK / 8000

    def send(self, data: bytes) -> None:
        self.ledger.left(data, self.position, self.seconds)
        self.down.append((self.now + self.delay, lambda: self.queue.extend(data)))

    def barge(self) -> None:
        self.ledger.flush(self.seconds)
        self.down.append((self.now + self.delay, self._flush))

    def _flush(self) -> None:
        self.queue.clear()
        self.waited = 0
        if self.playing:
            self._stop(self.position)

    def tick(self) -> None:
        for wire in (self.down, self.up):
            while wire and wire[0][0] <= self.now:
                wire.popleft()[1]()
        self._play()
        self.now += 1

    def _play(self) -> None:
        if not self.queue:
            if self.playing:
                self._stop(self.position)
        elif not self.playing and self.waited < self.cushion:
            self.waited += 1
        else:
            if not self.playing:
                self.playing, self.waited = True, 0
                self._tell(lambda at, now: self.ledger.started(at, now), self.position)
            played = bytes(self.queue[:TICK])
            del self.queue[:TICK]
            self.truth |= {self.position + at: byte for at, byte in enumerate(played)}
            if len(played) < TICK:
                self._stop(self.position + len(played))
        self._tell(lambda at, now: self.ledger.passed(at, TICK), self.position)
        self.position += TICK

    def _stop(self, at: int) -> None:
        self.playing = False
        self._tell(lambda at, now: self.ledger.completed(at, now), at)

    def _tell(self, tell: Callable[[int, float], None], position: int) -> None:
        self.up.append((self.now + self.delay, lambda: tell(position, self.seconds)))


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 6000)),
        st.tuples(st.just("tick"), st.integers(1, 60)),
        st.tuples(st.just("barge"), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=300)
@given(actions=ACTIONS, delay=st.integers(0, 12), cushion=st.integers(0, 3))
def test_heard_is_what_was_played_to_the_sample(actions: list[tuple[str, int]], delay: int, cushion: int) -> None:
    line = Line(delay, cushion)
    count = 0
    for action, size in actions:
        if action == "send":
            line.send(bytes((count + i) % 251 for i in range(size)))
            count += size
        elif action == "tick":
            for _ in range(size):
                line.tick()
        else:
            line.barge()
            for _ in range(26):  # 0.52 s: nothing is sent until the platform confirms, or is given up
                line.tick()
            line.ledger.give_up(line.seconds)
    for _ in range(count // TICK + 2 * delay + cushion + 5):
        line.tick()
    recorded = {position + at: byte for position, data in line.recorded for at, byte in enumerate(data)}
    assert recorded == line.truth
    assert sum(len(data) for _, data in line.recorded) == len(line.truth), "recorded pieces overlap"
    assert line.ledger.waiting == 0
    assert line.ledger.heard(0, line.ledger.sent) == len(line.truth)


def test_a_platform_with_a_coarse_grid_loses_nothing_of_a_whole_saying() -> None:
    ledger = Ledger()
    ledger.left(bytes(5000), 0, 0.0)
    ledger.passed(0, GRID)
    ledger.started(GRID, 0.2)
    ledger.passed(GRID, GRID)
    ledger.completed(6400, 0.8)  # 4,800 by position, 5,000 in truth: less than a frame of 1,600 off
    assert ledger.heard(0, 5000) == 5000


@settings(max_examples=200)
@given(samples=st.integers(1, 40_000), begins=st.integers(0, 5 * GRID), lag=st.integers(0, 8000))
def test_a_coarse_grid_never_costs_a_whole_saying_a_sample(samples: int, begins: int, lag: int) -> None:
    ledger = Ledger()
    ledger.left(bytes(samples), 0, 0.0)
    ends = begins + samples
    for at in range(0, ends + 1, GRID):
        if at <= begins < at + GRID:
            ledger.started(at, (begins + lag) / 8000)
        if at <= ends < at + GRID:
            ledger.completed(at, (ends + lag) / 8000)
        ledger.passed(at, GRID)
    if ledger.waiting:  # one time in 1,600 it looks like audio that crossed the message: then the clock tells
        ledger.give_up((ends + lag) / 8000 + 2)
    assert ledger.heard(0, samples) == samples


def test_a_barge_in_on_a_coarse_grid_is_off_by_less_than_a_frame() -> None:
    ledger = Ledger()
    ledger.left(bytes(16000), 0, 0.0)
    ledger.started(GRID, 0.2)
    ledger.flush(0.8)
    ledger.completed(GRID + 4800, 0.9)
    assert ledger.heard(0, 16000) == 4800
    assert ledger.waiting == 0


def test_audio_sent_behind_a_barge_in_survives_it() -> None:
    ledger = Ledger()
    ledger.left(bytes(8000), 0, 0.0)
    ledger.started(0, 0.0)
    ledger.flush(0.5)
    ledger.left(b"\x01" * 800, 0, 0.5)
    ledger.completed(4000, 0.6)
    assert (ledger.heard(0, 8000), ledger.heard(8000, 8800), ledger.waiting) == (4000, 0, 800)
    ledger.started(4000, 0.6)
    ledger.completed(4800, 0.7)
    assert (ledger.heard(0, 8000), ledger.heard(8000, 8800), ledger.waiting) == (4000, 800, 0)


def test_a_platform_that_tells_nothing_is_timed_by_the_clock() -> None:
    ledger = Ledger()
    ledger.left(bytes(16000), GRID, 1.0)
    ledger.give_up(2.5)
    assert ledger.heard(0, 16000) == 12000
    assert ledger.position_of(0) == GRID


def test_a_barge_in_that_is_not_confirmed_counts_to_the_moment_it_left() -> None:
    ledger = Ledger()
    ledger.left(bytes(16000), 0, 0.0)
    ledger.started(0, 0.0)
    ledger.flush(1.0)
    ledger.give_up(1.5)
    assert (ledger.heard(0, 16000), ledger.waiting) == (8000, 0)


def test_a_barge_in_before_the_platform_began_leaves_nothing_heard() -> None:
    ledger = Ledger()
    ledger.left(bytes(8000), 0, 0.0)
    ledger.flush(0.04)
    assert ledger.flushing
    ledger.give_up(0.54)
    assert (ledger.heard(0, 8000), ledger.waiting, ledger.flushing) == (0, 0, False)


def test_a_barge_in_with_nothing_at_the_platform_is_settled_at_once() -> None:
    ledger = Ledger()
    ledger.flush(0.0)
    assert not ledger.flushing


def test_an_end_that_was_never_told() -> None:
    ledger = Ledger()
    ledger.left(bytes(16000), 0, 0.0)
    ledger.started(0, 0.0)
    ledger.started(9600, 3.0)
    ledger.completed(9600 + 6400, 4.0)
    assert ledger.heard(0, 16000) == 16000
    assert ledger.position_of(9700) == 9700


def test_the_end_of_the_session_settles_everything() -> None:
    ledger = Ledger()
    ledger.left(bytes(16000), 0, 0.0)
    ledger.started(800, 0.1)
    ledger.stop(4800, 0.9)
    assert (ledger.heard(0, 16000), ledger.waiting, ledger.playing) == (4000, 0, False)
    ledger.left(bytes(16000), 0, 2.0)
    ledger.started(800, 2.0)
    ledger.stop(None, 2.5)  # paused: no position tells
    assert (ledger.heard(16000, 32000), ledger.waiting) == (4000, 0)


def test_the_clock_tells_how_far_a_run_has_come() -> None:
    ledger = Ledger()
    ledger.left(bytes(8000), 0, 0.0)
    assert ledger.reached(5.0) == 0
    ledger.started(0, 10.0)
    assert ledger.reached(10.25) == 2000
    assert ledger.heard(500, 8000, 10.25) == 1500
    assert ledger.reached(99.0) == 8000


def test_positions_of_samples() -> None:
    ledger = Ledger()
    assert ledger.position_of(0) is None
    ledger.left(bytes(800), 0, 0.0)
    ledger.started(1000, 0.0)
    ledger.completed(1800, 0.1)
    ledger.left(bytes(800), 0, 0.2)
    ledger.started(5000, 0.3)
    assert ledger.position_of(100) == 1100
    assert ledger.position_of(900) == 5100


def test_a_long_run_is_written_on_while_it_is_heard() -> None:
    recorded: list[tuple[int, int]] = []
    ledger = Ledger(lambda position, data: recorded.append((position, len(data))))
    ledger.left(bytes(40_000), 0, 0.0)
    ledger.started(0, 0.0)
    for at in range(0, 20_000, GRID):
        ledger.passed(at, GRID)
    assert recorded == [(0, 8000), (8000, 8000)]
