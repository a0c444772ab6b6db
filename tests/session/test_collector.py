"""The collector of a process that serves."""

from __future__ import annotations

import subprocess
import sys


def test_circles_are_still_found_and_what_is_loaded_is_left_alone() -> None:
    program = """
import gc, weakref
from offhook.session.collector import YOUNG, settle
settle()
assert gc.get_freeze_count() > 1000
class Circle:
    def __init__(self): self.itself = self
first = weakref.ref(Circle())
kept = [[] for _ in range(YOUNG + 1000)]
assert first() is None
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
