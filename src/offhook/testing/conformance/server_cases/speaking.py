"""Chapter 9: what the server sends: audio, events, and not too much of either (P5, P6.3, P6.6)."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import Final

from ..caller import Caller
from ..case import LISTENING, SPOKEN, Failure, Skip, Source
from ..line import Line, Message
from ..socket import Closed
from ..suites import SERVER

#: Seconds for which a server is watched that may have nothing to say.
_WATCHED: Final = 2.0
#: Messages in a second and at once (P6.6).
_RATE: Final = 5.0
_BURST: Final = 25


async def watch(caller: Caller, seconds: float = _WATCHED) -> tuple[Line, list[tuple[float, bytes | Message]]]:
    """An open session that hears a caller talk; returns what the server sends, each with its time."""
    line = await caller.open()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    await line.send_audio(caller.audio(1.0, byte=0x30), caller.width)
    if caller.target.profile.name == "connector":
        await line.send("dtmf", {"digit": "1"})
    came: list[tuple[float, bytes | Message]] = []
    while (left := end - loop.time()) > 0:
        got = await line.next(left)
        if isinstance(got, Closed):
            raise Failure(f"closed the socket ({got.code})")
        if got is None:
            break
        came.append((loop.time(), got))
    return line, came


def audio_of(came: list[tuple[float, bytes | Message]]) -> list[tuple[float, bytes]]:
    return [(at, data) for at, data in came if isinstance(data, bytes)]


def events_of(came: list[tuple[float, bytes | Message]]) -> list[Message]:
    return [data for _, data in came if isinstance(data, dict) and data.get("type") == "event"]


def within_rate(times: list[float]) -> float:
    """By how many messages a token bucket of the platform would be overdrawn, at worst."""
    tokens, last, worst = float(_BURST), times[0] if times else 0.0, 0.0
    for at in times:
        tokens = min(_BURST, tokens + (at - last) * _RATE) - 1
        last = at
        worst = max(worst, -tokens)
    return worst


@SERVER.case(
    "9.1", "Audio messages are not too large",
    does="Listens to the bot for 2 s.", expects="Messages of at most 64,000 bytes.", rule="P6.3",
    source=Source.VENDOR, profiles=SPOKEN, advice="Cut long audio into messages of at most 64,000 bytes.",
)  # fmt: skip
async def small_enough(caller: Caller) -> None:
    line, came = await watch(caller)
    heard = audio_of(came)
    if not heard:
        raise Skip("this bot said nothing")
    if (largest := max(len(data) for _, data in heard)) > 64_000:
        raise Failure(f"sent {largest} bytes of audio in one message")
    await caller.finish_politely(line)


@SERVER.case(
    "9.2", "Audio messages are not too many",
    does="Listens to the bot for 2 s.", expects="At most 25 audio messages at once and 5 a second.", rule="P6.6",
    source=Source.VENDOR, profiles=SPOKEN, advice="Send audio in messages of 200 ms or more, or whole prompts at once.",
)  # fmt: skip
async def few_enough(caller: Caller) -> None:
    line, came = await watch(caller)
    heard = audio_of(came)
    if not heard:
        raise Skip("this bot said nothing")
    if (excess := within_rate([at for at, _ in heard])) > 1:
        raise Failure(f"{len(heard)} audio messages in {_WATCHED:g} s: {excess:.0f} too many for the platform's limit")
    await caller.finish_politely(line)


@SERVER.case(
    "9.3", "Text messages are not too many",
    does="Watches the server for 2 s.", expects="At most 25 messages at once and 5 a second.", rule="P6.6",
    source=Source.VENDOR, advice="Send finals, and interim results only as often as the limit leaves room.",
)  # fmt: skip
async def few_events(caller: Caller) -> None:
    line, came = await watch(caller)
    times = [at for at, data in came if isinstance(data, dict)]
    if (excess := within_rate(times)) > 1:
        raise Failure(f"{len(times)} messages in {_WATCHED:g} s: {excess:.0f} too many for the platform's limit")
    await caller.finish_politely(line)


@SERVER.case(
    "9.4", "Silence is 0xFF",
    does="Listens to the bot for 2 s.", expects="No long run of 0x00, which is a loud level in mu-law.",
    rule="P6.1, P16: a reference bot fills with 0x00", source=Source.REFERENCE, profiles=SPOKEN,
    advice="Fill gaps with 0xFF, or send nothing.",
)  # fmt: skip
async def silence(caller: Caller) -> None:
    line, came = await watch(caller)
    heard = b"".join(data for _, data in audio_of(came))
    if not heard:
        raise Skip("this bot said nothing")
    if bytes(400) in heard:
        raise Failure("sent 50 ms of 0x00")
    await caller.finish_politely(line)


@SERVER.case(
    "9.5", "A server that may not speak is silent",
    does="Watches the server for 2 s.", expects="No audio.", rule="P1, P6.3: the Audio Connector alone plays audio",
    source=Source.REFERENCE, profiles=LISTENING, advice="Send no binary messages to a monitor's client.",
)  # fmt: skip
async def no_audio(caller: Caller) -> None:
    line, came = await watch(caller)
    if heard := audio_of(came):
        raise Failure(f"sent {len(heard)} audio messages")
    await caller.finish_politely(line)


@SERVER.case(
    "9.6", "Events hold a list of entities",
    does="Watches the server for 2 s, and its last words.", expects="`entities`, each with a `type` and `data`.",
    rule="P5", source=Source.REFERENCE, advice="Send `event` with `parameters.entities`, a list of {type, data}.",
)  # fmt: skip
async def entities(caller: Caller) -> None:
    line, _ = await watch(caller)
    await caller.finish_politely(line)
    events = [message for message in line.received if message.get("type") == "event"]
    if not events:
        raise Skip("this server sent no event")
    for event in events:
        listed = event.get("parameters", {}).get("entities")
        if not isinstance(listed, list):
            raise Failure(f"`entities` is {listed!r}")
        for entity in listed:
            if not (isinstance(entity, dict) and isinstance(entity.get("type"), str) and "data" in entity):
                raise Failure(f"an entity is {entity!r}")


@SERVER.case(
    "9.7", "Transcripts have what the platform reads",
    does="Watches the server for 2 s, and its last words.",
    expects="`id`, `channelId` 0 or 1, `isFinal`, and alternatives with interpretations.", rule="P5: transcript",
    source=Source.REFERENCE, advice="Follow the shape of the transcript entity; older field names are not read.",
)  # fmt: skip
async def transcripts(caller: Caller) -> None:
    line, _ = await watch(caller)
    await caller.finish_politely(line)
    listed = [entity for event in line.received if event.get("type") == "event"
              for entity in event.get("parameters", {}).get("entities", []) if isinstance(entity, dict)]  # fmt: skip
    found = [entity.get("data", {}) for entity in listed if entity.get("type") == "transcript"]
    if not found:
        raise Skip("this server sent no transcript")
    for data in found:
        if not isinstance(data.get("id"), str) or data.get("channelId") not in (0, 1):
            raise Failure(f"a transcript has id {data.get('id')!r} and channelId {data.get('channelId')!r}")
        if not isinstance(data.get("isFinal"), bool) or not data.get("alternatives"):
            raise Failure("a transcript lacks `isFinal` or `alternatives`")
        for alternative in data["alternatives"]:
            if not isinstance(alternative.get("confidence"), int | float) or not alternative.get("interpretations"):
                raise Failure("an alternative lacks `confidence` or `interpretations`")


@SERVER.case(
    "9.8", "A server sends only what servers send",
    does="Watches the server for 2 s.", expects="No type that is not a server's.", rule="P4.1",
    source=Source.REFERENCE, advice="Servers send opened, pong, pause, resume, event, updated, reconnect, disconnect, closed.",
)  # fmt: skip
async def known_types(caller: Caller) -> None:
    line, _ = await watch(caller, 1.0)
    await caller.finish_politely(line)
    known = {"opened", "pong", "pause", "resume", "event", "updated", "reconnect", "disconnect", "closed"}
    counts = Counter(str(message.get("type")) for message in line.received)
    if unknown := set(counts) - known:
        raise Failure(f"sent {', '.join(sorted(unknown))}")


@SERVER.case(
    "9.9", "`pause` and `resume` are not too many",
    does="Watches the server for 2 s.", expects="At most four at once and two a second.", rule="P6.6",
    source=Source.VENDOR, advice="Ask for pauses rarely: they are limited more than other messages.",
)  # fmt: skip
async def few_pauses(caller: Caller) -> None:
    line, came = await watch(caller)
    for type in ("pause", "resume"):
        recent: deque[float] = deque(maxlen=9)
        for at, data in came:
            if isinstance(data, dict) and data.get("type") == type:
                recent.append(at)
        if len(recent) == recent.maxlen and recent[-1] - recent[0] < 2.0:
            raise Failure(f"sent {len(recent)} `{type}` in {recent[-1] - recent[0]:.1f} s")
    await caller.finish_politely(line)


@SERVER.case(
    "9.10", "Behind a barge-in the old audio is over",
    does="Talks and presses a key while the bot speaks.", expects="If `barge_in` comes, no audio within 0.1 s behind it.",
    rule="P6.4: what is sent behind it is played", source=Source.INFERRED, profiles=SPOKEN,
    advice="Clear what you have queued before you send `barge_in`: audio behind it is a new playback.",
)  # fmt: skip
async def residue(caller: Caller) -> None:
    line, came = await watch(caller)
    stopped = [at for at, data in came if isinstance(data, dict) and interrupts(data)]
    if not stopped:
        raise Skip("this server sent no `barge_in`")
    late = [data for at, data in audio_of(came) if stopped[0] <= at < stopped[0] + 0.1 and after(came, data)]
    if late:
        raise Failure(f"sent {sum(map(len, late)) / 8000:.1f} s of audio right behind `barge_in`")
    await caller.finish_politely(line)


def interrupts(message: Message) -> bool:
    """Whether it is an `event` with a `barge_in`."""
    entities = message.get("parameters", {}).get("entities") if message.get("type") == "event" else None
    return any(isinstance(each, dict) and each.get("type") == "barge_in" for each in entities or ())


def after(came: list[tuple[float, bytes | Message]], audio: bytes) -> bool:
    """Whether audio came behind the first `barge_in`, in order."""
    order = [data for _, data in came]
    first = next(place for place, data in enumerate(order) if isinstance(data, dict) and interrupts(data))
    return any(data is audio for data in order[first:])


@SERVER.case(
    "9.11", "The playback that a barge-in ends is told of",
    does="Talks and presses a key while the bot speaks; on `barge_in` reports what was playing as completed.",
    expects="A session that goes on.", rule="P6.4: servers may not depend on the report, and must bear it",
    source=Source.INFERRED, profiles=SPOKEN, advice="Take `playback_completed` behind a barge-in as the end of the old audio.",
)  # fmt: skip
async def told_of(caller: Caller) -> None:
    line = await caller.open()
    await line.send("playback_started")
    await line.send_audio(caller.audio(1.0, byte=0x30), caller.width)
    await line.send("dtmf", {"digit": "1"})
    loop = asyncio.get_running_loop()
    end = loop.time() + _WATCHED
    while (left := end - loop.time()) > 0:
        got = await line.next(left)
        if isinstance(got, Closed):
            raise Failure(f"closed the socket ({got.code})")
        if isinstance(got, dict) and interrupts(got):
            await line.send("playback_completed")
            await caller.alive(line)
            return await caller.finish_politely(line)
    raise Skip("this server sent no `barge_in`")
