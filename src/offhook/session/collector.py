"""How a process that serves calls treats its garbage collector."""

from __future__ import annotations

import gc
from typing import Final

#: Containers made beyond those freed before the collector looks at the young ones. Python's own 700 makes it run some
#: hundred times a second at thousands of calls, to find nothing: what a call makes in passing is freed by its counts.
YOUNG: Final = 20_000


def settle() -> None:
    """What is loaded by now stays, and is not looked at again in every call; the rest is looked at less often.

    A look at so many young objects takes about a millisecond. Objects in circles, such as those of a call that is over,
    are still found.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
