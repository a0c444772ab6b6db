"""The numbers of AudioHook: sizes, timers and rates, each with its source in the protocol sheet (P and its section).

What the platform enforces and what we allow ourselves differ on purpose: we stay below the first and forgive above it.
"""

from __future__ import annotations

from typing import Final

# Sizes in bytes (P3.3). Documented is 64,000; the vendor's code refuses text above 65,535 characters.
SEND_MAX: Final = 64_000
RECEIVE_MAX: Final = 65_535
ENVELOPE: Final = 1_000  # more than a message has beside its parameters and its id: some 120
CUSTOM_CONFIG_MAX: Final = 60_000

# Timers in seconds (P8.1).
OPEN_TIMEOUT: Final = 5.0
CLOSE_TIMEOUT: Final = 10.0
FIRST_PING: Final = 1.0
PING_INTERVAL: Final = 5.0

# Timers of a server, for which no official figure exists (P8.1: suggestions).
WAIT_FOR_OPEN: Final = 10.0
IDLE_TIMEOUT: Final = 3 * PING_INTERVAL
WAIT_FOR_CLOSE: Final = 10.0
WAIT_FOR_SOCKET: Final = 5.0
# `closed` is due 10 s after `close` left the client: ours leaves a second before, whatever the application does.
CLOSED_BY: Final = CLOSE_TIMEOUT - 1.0

# Messages a second and burst that the platform accepts from a server (P6.6).
TEXT_RATE: Final = (5.0, 25.0)
AUDIO_RATE: Final = (5.0, 25.0)
PAUSE_RATE: Final = (2.0, 4.0)
# What we allow ourselves: four fifths of it, so that jitter on the line never adds up to a breach.
TEXT_BUDGET: Final = (4.0, 20.0)
AUDIO_BUDGET: Final = (4.0, 20.0)
PAUSE_BUDGET: Final = (1.6, 3.0)
# What of the difference urgent messages may use; the rest is for pongs and for the `disconnect` that ends it all.
TEXT_OVERDRAFT: Final = 2.0
# How long to stay silent after a 429 that names no time (P6.6: field recipes start at 3 s).
RETRY_AFTER: Final = 3.0

# Audio that a client keeps while it connects (P6.2), in seconds.
HISTORY: Final = 30.0
# Longest audio message of ours to the platform, in seconds (P6.6: 250 to 500 ms).
AUDIO_FRAME: Final = 0.5

NULL_UUID: Final = "00000000-0000-0000-0000-000000000000"
