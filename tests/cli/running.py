"""The command line, run in this process; and messages to feed it with."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, NamedTuple
from unittest import mock

from offhook.cli.main import run

ID = "30b0e395-84d3-4570-ac13-9a62d8f514c0"
ORGANIZATION = "d7934305-0972-4844-938e-9060eef73d05"
CONVERSATION = "090eaa2f-72fa-480a-83e0-8667ff89c0ec"
PARTICIPANT = "883efee8-3d6c-4537-b500-6d7ca4b92fa0"
MONO = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}
STEREO = MONO | {"channels": ["external", "internal"]}


class Ran(NamedTuple):
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


def offhook(*arguments: str, stdin: str | bytes = b"") -> Ran:
    """Run the command `offhook`."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(stdin if isinstance(stdin, bytes) else stdin.encode()))
    with redirect_stdout(out), redirect_stderr(err), mock.patch.object(sys, "stdin", given):
        code = run(arguments)
    return Ran(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))  # type: ignore[attr-defined]


def wrong_use(ran: Ran) -> str:
    """The one line that wrong use leaves; checks that it is one, and nothing else."""
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("offhook: ")
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err
    return ran.err


def client(type: str, seq: int, seen: int = 0, at: str = "PT0S", **parameters: object) -> dict[str, Any]:
    """A message of the client."""
    body = {"version": "2", "id": ID, "type": type, "seq": seq, "serverseq": seen, "position": at}
    return body | {"parameters": parameters}


def server(type: str, seq: int, seen: int = 0, **parameters: object) -> dict[str, Any]:
    """A message of the server."""
    return {"version": "2", "id": ID, "type": type, "seq": seq, "clientseq": seen, "parameters": parameters}


def opening(**changes: object) -> dict[str, Any]:
    """A faultless `open`; what is None is left out."""
    parameters = {
        "organizationId": ORGANIZATION,
        "conversationId": CONVERSATION,
        "participant": {"id": PARTICIPANT, "ani": "tel:+15550001111", "aniName": "", "dnis": "tel:+15550002222"},
        "media": [MONO],
        "language": "en-US",
    } | changes
    return client("open", 1, **{name: value for name, value in parameters.items() if value is not None})


def opened(**changes: object) -> dict[str, Any]:
    """A faultless `opened`."""
    return server("opened", 1, 1, **({"startPaused": False, "media": [MONO]} | changes))


def transcript(**changes: object) -> dict[str, Any]:
    """A faultless `transcript` entity."""
    token = {"type": "word", "value": "hello", "confidence": 0.9, "offset": "PT1S", "duration": "PT0.4S"}
    interpretation = {"type": "display", "transcript": "hello", "tokens": [token]}
    data = {
        "id": PARTICIPANT,
        "channelId": 0,
        "isFinal": True,
        "offset": "PT1S",
        "duration": "PT0.5S",
        "alternatives": [{"confidence": 0.9, "languages": ["en-US"], "interpretations": [interpretation]}],
    }
    return {"type": "transcript", "data": data | changes}


def ndjson(*messages: object) -> str:
    """Messages as lines."""
    return "".join(json.dumps(message) + "\n" for message in messages)
