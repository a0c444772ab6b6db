"""Bots: what is written in ten lines and served to a platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..protocol import CONNECTOR, MONO, Media
from ..speech.cache import PromptCache
from ..speech.engines import Synthesiser
from ..speech.ssml.sounds import Sounds
from ..speech.turns import TurnPolicy
from .actors import Actors
from .barge_in import BargeInPolicy
from .call import Call
from .engines import Engines
from .host import Host
from .patience import Filler, Patience
from .speaker import Speaker


class Bot(Host):
    """A voice bot: handlers by path, and how they are served.

    Args:
        name: For records and logs.
        voice: Of the synthesiser; None for its default.
        interim: Whether events bring results before the caller's turn is over.
        turns: When the caller's turn is over.
        barge_in: When a caller who makes a sound cuts the bot off.
        inband_keys: Hear keys in the sound itself, for lines whose platform sends none.
        engines: What listens and speaks.
        preload: Load the engines when serving starts, not in the first call.
        languages: What to list where the platform asks for the supported languages.
        prompts: Keeps what was synthesised once; None synthesises anew each time.
        patience: How long a caller is left without an answer; None is for ever.
        voices: Further engines, or their URIs, by the names that `<voice name="...">` has for them. (Those for other
            languages belong into `Engines(synthesisers=...)`.)
        sounds: Folder of the files that `<audio>` may play; by default the working directory.
    """

    line = Call

    def __init__(
        self,
        name: str = "bot",
        *,
        voice: str | None = None,
        interim: bool = False,
        turns: TurnPolicy | None = None,
        barge_in: BargeInPolicy | None = None,
        inband_keys: bool = False,
        engines: Engines | None = None,
        preload: bool = True,
        languages: Sequence[str] = ("en-US",),
        media: Sequence[Media] = (MONO,),
        prompts: PromptCache | None = None,
        patience: Patience | None = None,
        voices: Mapping[str, str | Synthesiser] | None = None,
        sounds: Path | str | None = None,
    ) -> None:
        super().__init__(name, CONNECTOR, engines=engines, preload=preload, media=media, languages=languages)
        self.voice = voice
        self.interim = interim
        self.turns = turns or TurnPolicy()
        self.barge_in = barge_in or BargeInPolicy()
        self.inband_keys = inband_keys
        self.prompts = prompts
        self.patience = patience
        self.filler = Filler()
        self._voices = voices
        self._sounds = Sounds(Path(sounds) if sounds is not None else None)

    async def load(self) -> None:
        await super().load()
        if self.patience is not None and self.preload:
            await self.filler.make(self, self.patience.filler)

    @property
    def speaker(self) -> Speaker:
        """What makes the audio of what is said, by the engines that there are now."""
        return Speaker(Actors(self.engines, self._voices), self.prompts, self._sounds)
