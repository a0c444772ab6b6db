"""The plain flow, written as a TOML block: welcome, monitors, a bot, and a transfer by what the bot has put out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from ..errors import UsageError
from .exchange import Flow
from .phonecall import PhoneCall
from .policy import Fallback, Success


class Route(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """Where the caller goes when the bot is done: by the value of one output variable."""

    variable: str
    targets: dict[str, str] = {}
    default: str = ""


class FallbackTable(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True, omit_defaults=True):
    """See `policy.Fallback`. `dead-air = 0` watches for none; `comfort = ""` keeps silent."""

    integrations: tuple[str, ...] = ()
    prompt: str | None = None
    transfer: str = ""
    hang_up: bool = False
    retries: int = 2
    backoff: float = 0.25
    patience: float = 20.0
    dead_air: float = 10.0
    comfort: str | None = None

    def policy(self) -> Fallback:
        """Raises `UsageError`."""
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        given["dead_air"] = self.dead_air or None
        if self.comfort == "":
            given["comfort"] = b""
        return Fallback(**given)


class FlowTable(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """One `[[flow]]`.

    Attributes:
        numbers: Numbers and patterns that it answers; all if not given.
        integration, connector_id, inputs, language, timeout: As in `PhoneCall.audio_connector`.
        monitors: Integrations that listen all the time.
        record: Whether the call is recorded.
        welcome: WAV file to play first.
        fallback: What to do when the bot fails; the connector's own if not given.
        route: Where the caller goes then.
    """

    integration: str
    numbers: Annotated[tuple[Annotated[str, msgspec.Meta(min_length=1)], ...], msgspec.Meta(min_length=1)] = ("*",)
    connector_id: str = ""
    inputs: dict[str, str] = {}
    language: str | None = None
    timeout: Annotated[float, msgspec.Meta(gt=0)] | None = None
    monitors: tuple[str, ...] = ()
    record: bool = False
    welcome: str = ""
    fallback: FallbackTable | None = None
    route: Route | None = None
    name: str = ""


def flow_of(table: FlowTable) -> Flow:
    """Make the coroutine.

    Raises:
        UsageError: The fallback cannot be meant.
    """
    policy = None if table.fallback is None else table.fallback.policy()

    async def flow(call: PhoneCall) -> None:
        for name in table.monitors:
            try:
                call.monitor(name)
            except UsageError as error:  # a caller is worth more than a monitor
                call.note(str(error))
        if table.record:
            call.record()
        if table.welcome:
            await call.play(table.welcome)
        outcome = await call.audio_connector(
            table.integration,
            table.connector_id,
            table.inputs,
            language=table.language,
            timeout=table.timeout,
            fallback=policy,
        )
        if isinstance(outcome, Success) and table.route is not None:
            target = _target(table.route, outcome.outputs)
            if target:
                await call.transfer(target)

    return flow


def _target(route: Route, outputs: Mapping[str, Any]) -> str:
    return route.targets.get(str(outputs.get(route.variable, "")), route.default)
