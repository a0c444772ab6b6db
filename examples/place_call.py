"""Tests a bot as the platform would call it: python examples/place_call.py ws://127.0.0.1:8080/api/v1/audiohook/ws"""

import asyncio
import sys

from offhook import connect


async def main(uri: str) -> None:
    async with connect(uri, input={"pin": "4711"}) as call:
        greeting = await call.listen(timeout=10)
        print(f"the bot spoke for {greeting.seconds:.1f} s")
        await call.dtmf("4711#")
        result = await call.result()
    print(result.outcome, result.output)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
