"""One call's conversation with a realtime model: audio both ways, barge-in, tools and keys.

What belongs to the call outlives a connection: what is being said is said to the end, tools run on, what the caller
says meanwhile waits, and the next connection is told what was said and heard before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..audio.ulaw import RATE
from ..errors import CallEnded, EngineError
from ..records import events as happenings
from .call import Call
from .llm_tools import Tool
from .model_bot import ROUNDS
from .realtime_memory import Memory, message, use
from .realtime_speech import Speech
from .realtime_uplink import Uplink
from .realtime_wire import FORMAT, SERVICE, ServerEvent, Wire, connected

logger = logging.getLogger("offhook.bots")

#: Seconds between two keys that are told together.
_BETWEEN: Final = 2.0
_MS: Final = RATE // 1000
#: Errors that say no more than that two things have crossed.
_CROSSED: Final = frozenset({"conversation_already_has_active_response", "response_cancel_not_active"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What all calls of a bot have in common.

    Attributes:
        client: An `openai.AsyncOpenAI`.
        model: As the server names it.
        session: The session as `session.update` has it.
        tools: By name.
        greeting: What the model says first; empty if the caller begins.
        timeout: Seconds to wait for the connection, and for the model's next words.
        padding: Samples that the server counts to the caller's voice before it begins.
        silence: The same behind it.
    """

    client: Any
    model: str
    session: dict[str, Any]
    tools: Mapping[str, Tool]
    greeting: str
    timeout: float
    padding: int
    silence: int


class Talk:
    """One call.

    Args:
        settings: Of the bot.
        call: The call.

    Attributes:
        answered: Whether an answer was heard since the last failure.
    """

    def __init__(self, settings: Settings, call: Call) -> None:
        self._settings = settings
        self._call = call
        self._listens = call.host.barge_in.listen  # the call's own ears
        self._memory = Memory()
        self._uplink = Uplink(self._on_loss)
        self._jobs: set[asyncio.Task[None]] = set()  # sayings and tools: they outlive a connection
        self._sayings: set[asyncio.Task[None]] = set()
        self._keying: asyncio.Task[None] | None = None
        self._using = 0
        self._rounds = 0
        self._speaking = False  # the caller, who will be answered
        self._lane = call.channels.index("external") if "external" in call.channels else 0
        self.answered = False
        # What belongs to the connection.
        self._wire: Wire | None = None
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._patience: asyncio.Timeout | None = None
        self._sending: asyncio.Task[None] | None = None
        self._speeches: dict[str, Speech] = {}
        self._turns: dict[str, tuple[int, int]] = {}
        self._uses: list[ServerEvent] = []
        self._active = ""  # id of the response that is being made
        self._owed: dict[str, Any] | None = None  # what the model is to be asked for as soon as it can

    def take(self, data: bytes, position: int) -> None:
        """The caller's audio, for `Call.add_sink`."""
        self._uplink.take(self._call.stream.lanes(data)[self._lane], position)

    def _on_loss(self, position: int) -> None:
        self._call.journal.note_once(f"{SERVICE} does not keep up: some of the caller's audio was lost", position)

    async def run(self) -> None:
        """Connect, and talk until the call or the connection ends.

        Raises:
            CallEnded: The call is over.
            EngineError: There is no connection, or it broke.
        """
        settings = self._settings
        self.answered = False
        async with connected(settings.client, settings.model, settings.timeout) as wire:
            if not self._call.is_live:
                raise CallEnded("the call is over")
            self._over = asyncio.get_running_loop().create_future()
            self._wire, self._active, self._owed, self._speaking = wire, "", None, False
            reading = self._start(self._read(wire))
            self._keep_keying()
            try:
                await self._over
            finally:
                self._wire = None
                await _cancelled(reading, self._sending)
                self._sending = None
                self._let_go()

    async def said(self) -> None:
        """Wait until all that has come of the model is heard."""
        if self._sayings:
            await asyncio.wait(self._sayings)

    async def aclose(self) -> None:
        """End what is still at work."""
        await _cancelled(*self._jobs)

    # The connection.

    async def _read(self, wire: Wire) -> None:
        await wire.send("session.update", session=self._settings.session)
        try:
            async with asyncio.timeout(None) as self._patience:
                self._expect()
                while True:
                    await self._on_event(wire, await wire.receive())
        except TimeoutError:
            raise EngineError(f"{SERVICE} does not answer in time") from None
        finally:
            self._patience = None

    async def _begin(self, wire: Wire, speaks: str) -> None:
        """The server has taken our session: from now on it is told what there is to tell."""
        if speaks not in ("", FORMAT):
            raise EngineError(f"{SERVICE} speaks {speaks[:60]}, not {FORMAT}")
        if self._sending is not None:
            return  # the session was changed later
        self._content()
        for item in self._memory.items():
            await wire.send("conversation.item.create", item=item)
        greeting = self._settings.greeting
        if greeting and not self._memory:
            await self._answer(instructions=f"Greet the caller with these words: {greeting}")
        self._sending = self._start(self._uplink.send(wire))

    async def _tell(self, type: str, **fields: Any) -> None:
        """Tell the server, if one is there."""
        if self._wire is not None:
            await self._wire.send(type, **fields)

    async def _answer(self, **wishes: Any) -> None:
        """Have the model speak, as soon as it has finished what it is at."""
        self._owed = wishes if self._active else None
        if self._owed is None:
            self._expect()
            await self._tell("response.create", **({"response": wishes} if wishes else {}))

    def _expect(self) -> None:
        """Something is to come from the server within its time."""
        self._wait_until(asyncio.get_running_loop().time() + self._settings.timeout)

    def _content(self) -> None:
        """Nothing is waited for."""
        self._wait_until(None)

    def _wait_until(self, when: float | None) -> None:
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(when)

    def _let_go(self) -> None:
        """The connection is gone: no more comes of anything."""
        for speech in self._speeches.values():
            speech.end()
        self._speeches.clear()
        self._turns.clear()
        self._uses.clear()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._jobs.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        self._sayings.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._over.done():
            self._over.set_exception(error)
            self._over.exception()  # seen: the handler may be cancelled at this very moment

    # What the server tells.

    async def _on_event(self, wire: Wire, event: ServerEvent) -> None:
        match event.type:
            case "session.updated":
                await self._begin(wire, event.session.speaks)
            case "error":
                self._on_error(event)
            case "response.created":
                self._active = event.response.id or "?"
                self._owed, self._speaking = None, False
                self._expect()
            case "response.output_audio.delta":
                self._expect()
                self._speech(event).sound(event.audio)
            case "response.output_audio_transcript.delta":
                self._expect()
                self._speech(event).words(event.delta)
            case "response.output_audio.done" if event.item_id in self._speeches:
                self._speeches[event.item_id].end()
            case "response.function_call_arguments.done":
                self._uses.append(event)
            case "response.done":
                await self._on_response(event)
            case _:
                self._on_caller(event)

    def _on_error(self, event: ServerEvent) -> None:
        word = event.error.word
        if self._sending is None:
            raise EngineError(f"{SERVICE} refuses the session ({word})")
        if word == "conversation_already_has_active_response":
            self._owed = {}
        if word not in _CROSSED:
            self._call.journal.note(f"{SERVICE} reports an error: {word}", self._call.position)

    def _on_caller(self, event: ServerEvent) -> None:
        call, id = self._call, event.item_id
        match event.type:
            case "input_audio_buffer.speech_started":
                start = self._place(event.audio_start_ms, self._settings.padding)
                self._turns[id] = (start, start)
                self._speaking = True
                if not self._listens:
                    self._content()
                    call.voice_began(start)
            case "input_audio_buffer.speech_stopped":
                start = self._turns[id][0] if id in self._turns else call.position
                end = max(start, self._place(event.audio_end_ms, -self._settings.silence))
                self._turns[id] = (start, end)
                self._rounds = 0
                self._expect()
                if not self._listens:
                    call.voice_ended(start, end)
            case "input_audio_buffer.committed":
                self._memory.begun(id)
            case "conversation.item.input_audio_transcription.completed":
                start, end = self._turns.pop(id, (call.position, call.position))
                text = event.transcript.strip()
                self._memory.caller(id, message(text) if text else None)
                if text and not self._listens:
                    call.emit(
                        happenings.Heard(
                            t=call.t, position=call.position, channel="external",
                            id=id, text=text, final=True, start=start, end=end,
                        )
                    )  # fmt: skip

    def _place(self, ms: float, after: int) -> int:
        """Where on the caller's stream that lies, which the server counts in the audio that it was sent."""
        return max(0, min(self._uplink.place(round(ms * _MS) + after), self._call.position))

    async def _on_response(self, event: ServerEvent) -> None:
        """A response is made; what it says may still be under way to the caller."""
        self._content()
        self._active = ""
        for speech in self._speeches.values():
            if speech.response == event.response.id:
                speech.end()
        uses, self._uses = self._uses, []
        if event.response.status == "failed":
            details = event.response.status_details
            word = details.error.word if details and details.error else "no code"
            raise EngineError(f"{SERVICE} fails to answer ({word})")
        if self._speaking and event.response.status == "cancelled":
            return  # the caller is answered anew
        if uses and event.response.status == "completed":
            self._start(self._use(uses))
        elif self._owed is not None:
            await self._answer(**self._owed)

    # What the model says.

    def _speech(self, event: ServerEvent) -> Speech:
        speech = self._speeches.get(event.item_id)
        if speech is None:
            speech = self._speeches[event.item_id] = Speech(event.item_id, event.response_id, event.content_index)
            self._memory.begun(speech.id)
            self._sayings.add(self._start(self._play(speech)))
        return speech

    async def _play(self, speech: Speech) -> None:
        try:
            playback = await self._call.play(speech.pieces())
        except CallEnded:
            return  # whoever ends the call is still at it
        self._memory.heard(speech.id, playback.heard, interrupted=playback.interrupted)
        self.answered |= playback.seconds > 0
        if playback.interrupted and self._call.is_live and self._speeches.get(speech.id) is speech:
            await self._cut(speech, round(playback.seconds * RATE))

    async def _cut(self, speech: Speech, heard: int) -> None:
        """The caller has heard so many samples of it: for the model, there never was more."""
        if self._active == speech.response:
            await self._tell("response.cancel", response_id=speech.response)
        await self._tell(
            "conversation.item.truncate",
            item_id=speech.id,
            content_index=speech.content,
            audio_end_ms=min(heard, speech.received) // _MS,
        )

    # Tools and keys.

    async def _use(self, uses: list[ServerEvent]) -> None:
        """Use tools, as the model asks; it speaks again when all of them are done."""
        wire, self._using = self._wire, self._using + 1
        self._rounds += 1
        await _cancelled(self._keying)  # a tool may ask for keys
        try:
            for each in uses:
                tool = self._settings.tools.get(each.name)
                result = f"error: there is no tool {each.name}"
                if tool is not None:
                    result = await tool.use(self._call, each.arguments)
                items = use(each.call_id, each.name, each.arguments, result)
                self._memory.used(items)
                for item in items[1:] if self._wire is wire else items:
                    await self._tell("conversation.item.create", item=item)
        finally:
            self._using -= 1
        if not self._call.is_live:
            raise CallEnded("the call is over")
        self._keep_keying()
        await self._answer(**({"tool_choice": "none"} if self._rounds >= ROUNDS else {}))

    def _keep_keying(self) -> None:
        if not self._using and (self._keying is None or self._keying.done()):
            self._keying = self._start(self._tell_keys())

    async def _tell_keys(self) -> None:
        while True:
            keyed = await self._call.dtmf(first=None, between=_BETWEEN)
            keys = " ".join(keyed + "#" if keyed.ended == "terminator" else keyed)
            told = message(f"[The caller pressed keys: {keys}]")
            self._memory.caller(f"keys at {self._call.t}", told)
            self._rounds = 0
            await self._tell("conversation.item.create", item=told)
            await self._answer()


async def _cancelled(*tasks: asyncio.Task[None] | None) -> None:
    """Tasks cancelled and over."""
    at_work = [task for task in tasks if task is not None and not task.done()]
    for task in at_work:
        task.cancel()
    await asyncio.gather(*at_work, return_exceptions=True)
