"""The stack's thread goes before ours where that may be, and those that it begins do not."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import pytest

from offhook.connector.legs import precedence
from offhook.connector.legs.precedence import Precedence

STACK = 4711


class Kernel:
    """Priorities of threads, 0 being the one that asks."""

    def __init__(self, policy: int, priority: int, *, most: int = 99) -> None:
        self.policy = policy
        self.most = most
        self.priority = {0: priority, STACK: priority}
        self.asked = 0

    def sched_setscheduler(self, thread: int, policy: int, param: os.sched_param) -> None:
        self.asked += 1
        assert policy == self.policy
        if param.sched_priority > self.most:
            raise PermissionError("not permitted")
        self.priority[thread] = param.sched_priority


@pytest.fixture
def kernel(monkeypatch):
    def of(policy: int, priority: int, **options: int) -> Kernel:
        made = Kernel(policy, priority, **options)
        monkeypatch.setattr(os, "sched_getscheduler", lambda thread: made.policy)
        monkeypatch.setattr(os, "sched_getparam", lambda thread: os.sched_param(made.priority[thread]))
        monkeypatch.setattr(os, "sched_setscheduler", made.sched_setscheduler)
        monkeypatch.setattr(precedence, "threading", SimpleNamespace(get_native_id=lambda: STACK))
        return made

    return of


@pytest.mark.parametrize("policy", [os.SCHED_RR, os.SCHED_FIFO])
def test_the_stack_goes_first_but_is_our_equal_while_it_begins_a_thread(kernel, policy):
    made = kernel(policy, 5)
    order = Precedence()
    order.rise()
    assert made.asked == 0, "it is not known yet"
    order.level()
    assert made.priority == {0: 5, STACK: 5}
    order.rise()
    assert made.priority == {0: 5, STACK: 6}
    order.level()
    assert made.priority[STACK] == 5


@pytest.mark.parametrize(("policy", "priority"), [(os.SCHED_OTHER, 0), (os.SCHED_RR, 99)])
def test_nothing_is_asked_for_without_real_time_priority_or_room_above_it(kernel, policy, priority):
    made = kernel(policy, priority)
    order = Precedence()
    order.level()
    order.rise()
    assert made.asked == 0


def test_where_no_more_is_allowed_it_is_asked_for_once_and_all_goes_on(kernel):
    made = kernel(os.SCHED_RR, 5, most=5)
    order = Precedence()
    for _ in range(3):
        order.level()
        order.rise()
    assert (made.asked, made.priority[STACK]) == (2, 5)


def test_the_thread_is_the_one_that_says_so(kernel):
    made = kernel(os.SCHED_RR, 5)
    order = Precedence()
    stack = threading.Thread(target=order.level)
    stack.start()
    stack.join()
    order.rise()
    assert made.priority[STACK] == 6


def test_a_system_without_such_priorities_has_none(monkeypatch):
    monkeypatch.delattr(os, "sched_getscheduler")
    precedence = Precedence()
    precedence.level()
    precedence.rise()
