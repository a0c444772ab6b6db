"""Legs by SIP over a stack of the test's own: who may call, what is told, and how calls end."""

from __future__ import annotations

import asyncio

import pytest

from offhook.audio import tones, ulaw
from offhook.connector.legs import TransferFailed
from offhook.connector.legs.sip import SipDoor, SipLeg, Trunk, caller_of, networks, party
from offhook.connector.legs.sipstack import Account, Invitation, Unreached
from offhook.errors import CallEnded, UsageError

#: Seconds at which packets come: the jitter buffer gives two at first.
COMES = (0.03, 0.03, 0.05, 0.07)


class Call:
    """A `SipCall` that notes what it is told to do."""

    def __init__(self, source: str = "192.0.2.7", **headers: str) -> None:
        self.invitation = Invitation(source, '"Ada" <sip:+1999@pbx.example>;tag=1', "<sip:+1888@us.example>", headers)
        self.did: list[object] = []
        self.written = bytearray()
        self.said = b""
        self.refuses_transfers = False

    def listen(self, events) -> None:
        self.events = events

    def refuse(self, status: int, reason: str) -> None:
        self.did.append(status)

    async def answer(self) -> None:
        self.did.append("answer")

    def end(self) -> None:
        self.did.append("bye")

    def send_key(self, digit: str) -> None:
        self.did.append(digit)

    def read(self) -> bytes:
        said, self.said = self.said, b""
        return said

    def write(self, ulaw_audio: bytes) -> None:
        self.written += ulaw_audio

    async def refer(self, uri: str) -> None:
        if self.refuses_transfers:
            raise TransferFailed("603 Decline")
        self.did.append(uri)
        self.events.over("transferred")


class Stack:
    def __init__(self) -> None:
        self.dialled: list[str] = []
        self.accounts: list[Account | None] = []
        self.reaches: list[float | None] = []

    async def start(self, invited) -> int:
        self.invited = invited
        return 5060

    async def dial(self, uri: str, seconds: float, account=None, *, reach=None) -> Call:
        self.dialled.append(uri)
        self.accounts.append(account)
        self.reaches.append(reach)
        if "busy" in uri:
            raise TransferFailed("486 Busy Here")
        if "dead" in uri:
            raise Unreached("503 Service Unavailable")
        self.placed = Call()
        return self.placed

    async def close(self) -> None:
        self.closed = True


class Listener:
    def __init__(self) -> None:
        self.told: list[object] = []
        self.key = self.held = self.hung_up = self.told.append


async def trunk_of(*peers: str, max_calls: int = 10, **options):
    stack, legs = Stack(), []
    trunk = SipDoor(stack, legs.append, peers=peers, max_calls=max_calls, **options)
    await trunk.start()
    return trunk, stack, legs


@pytest.mark.parametrize(
    ("source", "may"),
    [
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("198.51.100.200", True),
        ("::ffff:192.0.2.7", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("", False),
    ],
)
async def test_only_listed_peers_may_call(source, may):
    _, stack, legs = await trunk_of("192.0.2.7", "198.51.100.0/24", "2001:db8::/32")
    call = Call(source)
    stack.invited(call)
    assert (len(legs), call.did) == ((1, []) if may else (0, [403]))


@pytest.mark.parametrize("peers", [(), ("pbx.example",), ("192.0.2.7/99",)])
def test_the_door_is_shut_until_somebody_is_listed(peers):
    with pytest.raises(UsageError, match="peers"):
        networks(peers)


async def test_above_the_limit_calls_are_refused_until_one_is_over():
    trunk, stack, legs = await trunk_of("192.0.2.7", max_calls=1)
    stack.invited(first := Call())
    stack.invited(second := Call())
    assert second.did == [503]
    first.events.over("hung up")
    stack.invited(Call())
    assert len(legs) == 2
    await trunk.close()
    assert stack.closed


@pytest.mark.parametrize(
    ("header", "is_"),
    [
        ('"Ada \\"L\\" King" <sip:+1555@pbx.example;user=phone>;tag=x', ("+1555", 'Ada "L" King')),
        ("Ada <sips:ada@pbx.example:5061>", ("ada", "Ada")),
        ("<tel:+1555;phone-context=x>", ("+1555", "")),
        ("sip:100%23@10.0.0.1;tag=1", ("100#", "")),
        ("<sip:pbx.example>", ("pbx.example", "")),
        ("nonsense", ("", "")),
        ("", ("", "")),
    ],
)
def test_numbers_and_names_of_headers(header, is_):
    assert party(header) == is_


def test_what_the_network_asserts_counts_more_than_what_the_caller_says():
    asserted = Invitation("192.0.2.7", '"Anonymous" <sip:anonymous@anonymous.invalid>', "<sip:+1888@us.example>",
                          {"P-Asserted-Identity": '"Ada" <sip:+1999@carrier.example>'})  # fmt: skip
    caller = caller_of(asserted)
    assert (caller.ani, caller.dnis, caller.ani_name, caller.kind) == ("+1999", "+1888", "Ada", "sip")


async def test_audio_keys_hold_and_hang_up():
    call, left = Call(), []
    leg, listener = SipLeg(call, left.append), Listener()
    call.events.key("1")
    leg.attach(listener)
    with_nothing = leg.exchange(ulaw.silence(160))
    assert call.written == b""
    await leg.answer()  # nothing has come yet
    call.said = bytes(range(100)) + bytes(60)
    said, heard = leg.exchange(b"\x10" * 160)
    assert said == bytes(range(100)) + bytes(60)
    assert (with_nothing, heard) == ((ulaw.silence(160), ulaw.silence(160)), b"\x10" * 160)
    assert bytes(call.written[-160:]) == b"\x10" * 160
    assert leg.ahead == leg.flush() == 0
    for _ in range(3):
        leg.exchange(b"\x10" * 160)
    assert leg.ahead == 3 * 160, "the stack sends one packet each 20 ms"
    for event in (call.events.held, call.events.held):
        event(True)
    call.events.key("x")
    call.events.over("hung up")
    assert listener.told == ["1", True, True, "hung up"]
    assert left == [leg]
    leg.hang_up()
    assert call.did == ["answer"]
    with pytest.raises(CallEnded):
        await leg.answer()


@pytest.mark.virtual_time
async def test_ticks_begin_a_moment_after_a_packet_and_find_that_one_alone():
    class Speaking(Call):
        def read(self) -> bytes:
            now = asyncio.get_running_loop().time() - began
            due = sum(at <= now for at in COMES)
            self.taken, new = due, due - self.taken
            return b"".join(bytes((due,)) * 160 for _ in range(new))

        taken = 0

    began = asyncio.get_running_loop().time()
    leg = SipLeg(Speaking(), lambda leg: None)
    await leg.answer()
    assert asyncio.get_running_loop().time() - began == pytest.approx(COMES[2] + 0.004, abs=0.0021)
    assert leg.exchange(ulaw.silence(160))[0] == bytes((3,)) * 160
    assert leg.inlet.waiting == 0


@pytest.mark.virtual_time
@pytest.mark.parametrize("gone", [False, True])
async def test_who_says_nothing_is_not_waited_for_long(gone):
    began = asyncio.get_running_loop().time()
    leg = SipLeg(call := Call(), lambda leg: None)
    if gone:
        asyncio.get_running_loop().call_later(0.05, call.events.over, "hung up")
    await leg.answer()
    assert asyncio.get_running_loop().time() - began == pytest.approx(0.05 if gone else 0.2, abs=0.0021)


@pytest.mark.parametrize(
    ("cause", "status"), [("normal", 480), ("busy", 503), ("no-route", 404), ("rejected", 403), ("error", 500)]
)
async def test_causes_before_and_after_the_answer(cause, status):
    early, late = Call(), Call()
    SipLeg(early, lambda leg: None).hang_up(cause)
    leg, listener = SipLeg(late, lambda leg: None), Listener()
    leg.attach(listener)
    await leg.answer()
    leg.hang_up(cause)
    late.events.over("hung up")
    assert (early.did, late.did, listener.told) == ([status], ["answer", "bye"], [])


@pytest.mark.parametrize(
    ("target", "uri"), [("tel:+1555", "sip:+1555@192.0.2.7"), ("sip:a@b.example", "sip:a@b.example")]
)
async def test_transfers(target, uri):
    call, listener = Call(), Listener()
    leg = SipLeg(call, lambda leg: None)
    leg.attach(listener)
    await leg.answer()
    await leg.transfer(target)
    assert (call.did, listener.told, leg.ended) == (["answer", uri], [], "transferred")


async def test_a_transfer_that_is_not_taken_leaves_the_caller_here():
    call, listener = Call(), Listener()
    leg = SipLeg(call, lambda leg: None)
    leg.attach(listener)
    await leg.answer()
    call.refuses_transfers = True
    with pytest.raises(TransferFailed):
        await leg.transfer("+1555")
    call.events.over("hung up")
    assert listener.told == ["hung up"]


PBX = Account("desk7", "pbx.example:5070", "open sesame")
CARRIER = Account("acme", "carrier.example")
DEAD = Account("acme", "dead.example")


@pytest.mark.parametrize(
    ("target", "uri", "account"),
    [
        ("+1555", "sip:+1555@carrier.example", CARRIER),
        ("tel:+4930", "sip:+4930@pbx.example:5070", PBX),
        ("200", "sip:200@pbx.example:5070", PBX),
        ("sip:ada@Carrier.example;x=1", "sip:ada@Carrier.example;x=1", CARRIER),
        ("sip:ada@elsewhere.example", "sip:ada@elsewhere.example", None),
        ("sip:pbx.example:5070", "sip:pbx.example:5070", PBX),
    ],
)
async def test_each_number_goes_by_the_trunk_that_fits_best(target, uri, account):
    """Nobody but a trunk is told who we are, and its password's digest."""
    trunks = [Trunk(CARRIER, ("+*",)), Trunk(PBX, ("+49*", "2??"))]
    door, stack, _ = await trunk_of("192.0.2.7", trunks=trunks)
    await door.dial(target, 5)
    assert (stack.dialled, stack.accounts) == ([uri], [account])


async def test_a_trunk_that_is_not_reached_is_followed_by_the_next():
    door, stack, _ = await trunk_of("192.0.2.7", trunks=[Trunk(DEAD), Trunk(PBX), Trunk(CARRIER)])
    await door.dial("+1555", 5)
    assert stack.accounts == [DEAD, PBX]
    assert all(stack.reaches)
    with pytest.raises(TransferFailed, match="486"):
        await door.dial("busy", 5)
    assert stack.accounts[2:] == [DEAD]


async def test_the_last_trunk_has_all_the_time_and_its_failure_is_told():
    door, stack, _ = await trunk_of("192.0.2.7", trunks=[Trunk(DEAD)])
    with pytest.raises(TransferFailed, match="503"):
        await door.dial("+1555", 5)
    assert stack.reaches == [None]


async def test_no_trunk_takes_the_number():
    door, _, _ = await trunk_of("192.0.2.7", trunks=[Trunk(CARRIER, ("+49*",))])
    with pytest.raises(TransferFailed, match="trunk that takes it"):
        await door.dial("+1555", 5)


async def test_keys_go_to_whoever_was_called():
    door, stack, _ = await trunk_of("192.0.2.7", trunks=[Trunk(PBX)])
    leg = await door.dial("+1555", 5)
    leg.send_key("7")
    leg.hang_up()
    leg.send_key("8")
    assert stack.placed.did == ["7", "bye"]


async def test_calls_are_placed_by_the_trunk_and_count():
    trunk, stack, _ = await trunk_of("192.0.2.7", max_calls=1, trunks=[Trunk(PBX)])
    with pytest.raises(TransferFailed, match="486"):
        await trunk.dial("sip:busy@desk.example", 5)
    leg = await trunk.dial("tel:+1555", 5)
    assert stack.dialled == ["sip:busy@desk.example", "sip:+1555@pbx.example:5070"]
    with pytest.raises(TransferFailed, match="max-calls"):
        await trunk.dial("+1556", 5)
    said = ulaw.encode(tones.tone(440, 0.02, -12))
    stack.placed.said = said
    assert leg.exchange(said)[0] == said
    assert said in stack.placed.written
    leg.hang_up()
    assert stack.placed.did == ["bye"]
    await trunk.dial("+1556", 5)


async def test_a_number_needs_a_trunk():
    trunk, stack, _ = await trunk_of("192.0.2.7")
    with pytest.raises(TransferFailed, match="trunk"):
        await trunk.dial("+1555", 5)
    assert stack.dialled == []
