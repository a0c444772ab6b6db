"""Bots for `soak.py`: sessions that speak every two seconds and end by lot.

python mortal_bot.py PORT --kind mortal|steady --seed N: those of `mortal` die within 8 s; of `steady`, one in three
does, the others are done after 2 to 5 s.
"""

from __future__ import annotations

import argparse
import asyncio
import random

import uvloop

from offhook.audio import tones, ulaw
from offhook.session.server import Server
from offhook.testing.crowd import Crowd, abort, finish, garbage, give_up

KINDS = {"mortal": (0.5, 8.0, (abort, garbage, give_up)), "steady": (2.0, 5.0, (finish, finish, abort))}


async def serve(port: int, crowd: Crowd) -> None:
    async with Server(crowd.reception, port=port):
        print("ready", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--kind", choices=list(KINDS), required=True)
    parser.add_argument("--seed", type=int, required=True)
    given = parser.parse_args()
    dice, (least, most, ways) = random.Random(given.seed), KINDS[given.kind]
    sound = ulaw.encode(tones.tone(440, 1.0, -12))
    uvloop.run(serve(given.port, Crowd(lambda: (dice.uniform(least, most), dice.choice(ways)), sound)))


if __name__ == "__main__":
    main()
