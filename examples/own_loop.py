"""AudioHook under your own server or event loop: a session is fed messages and the time, and gives messages back."""

from offhook.protocol import AudioReceived, CloseRequested, OpenRequested, ServerSession, choose
from offhook.protocol.media import MONO


class Recorder:
    """Takes a call and keeps its audio. Call `feed` for each WebSocket message, `tick` when `deadline` is reached."""

    def __init__(self, session_id: str) -> None:
        self.session = ServerSession(session_id)
        self.audio = bytearray()

    def feed(self, data: str | bytes, now: float) -> list[str | bytes]:
        for event in self.session.receive(data, now):
            match event:
                case OpenRequested():
                    self.session.accept(choose(event.offers, [MONO]))
                case AudioReceived(data=audio):
                    self.audio += audio
                case CloseRequested():
                    self.session.close()
        return list(self.session.data_to_send(now))

    def tick(self, now: float) -> list[str | bytes]:
        self.session.handle_timer(now)
        return list(self.session.data_to_send(now))

    @property
    def deadline(self) -> float | None:
        return self.session.next_deadline()
