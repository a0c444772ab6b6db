"""SIPp as a caller by SIP, and an ear for the RTP that its caller would hear."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path

PCAPS = Path("/usr/share/sip-tester")
_SDP = """v=0
      o=- 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [local_ip]
      t=0 0
      m=audio [ear] RTP/AVP {codec} 101
      a=rtpmap:{codec} {name}/8000
      a=rtpmap:101 telephone-event/8000
      a=fmtp:101 0-15
      a={direction}"""
_HEAD = """{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: "Ada" <sip:+15550001111@[local_ip]:[local_port]>;tag=[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>{tag}
      Call-ID: [call_id]
      CSeq: {number} {method}
      Contact: <sip:ada@[local_ip]:[local_port];transport=[transport]>
      Max-Forwards: 70
      X-Ticket: 4711
"""


def request(method: str, number: int = 1, body: str = "") -> str:
    tag = "" if method == "INVITE" and number == 1 else "[peer_tag_param]"
    head = _HEAD.format(method=method, number=number, tag=tag)
    kind = "      Content-Type: application/sdp\n" if body else ""
    retrans = "" if method == "ACK" else ' retrans="500"'
    return f"<send{retrans}><![CDATA[\n      {head}{kind}      Content-Length: [len]\n\n      {body}\n    ]]></send>"


def invite(codec: int = 0, number: int = 1, direction: str = "sendrecv") -> str:
    name = {0: "PCMU", 8: "PCMA"}[codec]
    return request("INVITE", number, _SDP.format(codec=codec, name=name, direction=direction))


def answered(number: int = 1) -> str:
    return response(200) + request("ACK", number)


def response(status: int) -> str:
    return f'<recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="{status}"/>'


def play(file: object, codec: int = 0) -> str:
    """A file of G.711 as 20 ms packets."""
    return f'<nop><action><exec rtp_stream="{file},1,{codec}"/></action></nop>'


def pcap(name: str) -> str:
    """Packets that were recorded. Needs root."""
    return f'<nop><action><exec play_pcap_audio="{PCAPS / name}"/></action></nop>'


def payloads(name: str) -> bytes:
    """What those packets carry: RTP in UDP over IPv4 over Ethernet."""
    data, at, found = (PCAPS / name).read_bytes(), 24, bytearray()
    while at < len(data):
        (length,) = struct.unpack("<I", data[at + 8 : at + 12])
        found += data[at + 16 + 14 + 20 + 8 + 12 : at + 16 + length]
        at += 16 + length
    return bytes(found)


def pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>'


def bye(number: int = 2) -> str:
    return request("BYE", number) + '<recv response="200"/>'


#: The other side ends the call.
HUNG_UP = """<recv request="BYE"/><send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

    ]]></send>"""


def refer(target: str) -> str:
    """The other side asks us to call this target, and we will."""
    return f"""<recv request="REFER"><action>
      <ereg regexp="{target}" search_in="hdr" header="Refer-To:" check_it="true" assign_to="1"/></action></recv>
    <Reference variables="1"/>""" + HUNG_UP.split("/>", 1)[1].replace("200 OK", "202 Accepted")


def notify(status: int) -> str:
    """How that went."""
    body = f"SIP/2.0 {status} Done"
    head = (
        request("NOTIFY", 2, "@").replace("application/sdp", "message/sipfrag;version=2.0").replace("@\n", body + "\n")
    )
    more = "      Event: refer\n      Subscription-State: terminated;reason=noresource\n      Content-Type"
    return head.replace("      Content-Type", more) + '<recv response="200"/>'


_REPLY = """<send{retrans}><![CDATA[
      SIP/2.0 {status}
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]SIPp[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port];transport=[transport]>
      {more}Content-Length: [len]

      {body}
    ]]></send>"""


#: A call comes in; who calls is kept for the BYE.
_INVITED = """<recv request="INVITE" rrs="true"><action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="peer"/></action></recv>
    <Reference variables="peer"/>"""


def reply(status: str, more: str = "", body: str = "") -> str:
    """Answer a request that came in."""
    retrans = ' retrans="500"' if body else ""
    return _REPLY.format(status=status, more=more and more + "\n      ", body=body, retrans=retrans)


def taken(codec: int = 0) -> tuple[str, ...]:
    """A call comes in, rings, and is answered; its audio is echoed."""
    name = {0: "PCMU", 8: "PCMA"}[codec]
    sdp = _SDP.format(codec=codec, name=name, direction="sendrecv").replace("[ear]", "[media_port]")
    answer = reply("200 OK", "Content-Type: application/sdp", sdp)
    return _INVITED, reply("180 Ringing"), answer, '<recv request="ACK"/>'


def bye_of_callee() -> str:
    return """<send retrans="500"><![CDATA[
      BYE [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:desk@[local_ip]:[local_port]>;tag=[pid]SIPp[call_number]
      To:[$peer]
      Call-ID: [call_id]
      CSeq: 1 BYE
      Max-Forwards: 70
      Content-Length: 0

    ]]></send><recv response="200"/>"""


def asked(user: str, password: str, request: str = "INVITE", status: str = "407 Proxy Authentication Required") -> str:
    """A request is asked for its digest, and the one that follows has the right one."""
    kind = "Proxy-Authenticate" if status.startswith("407") else "WWW-Authenticate"
    challenge = f'{kind}: Digest realm="pbx.example", nonce="4711", algorithm=MD5'
    ack = '<recv request="ACK"/>' if request == "INVITE" else ""
    check, tell = (
        f'<verifyauth assign_to="ok" username="{user}" password="{password}"/>',
        ('<nop condexec="ok" condexec_inverse="true"><action><error message="wrong digest"/></action></nop>'),
    )
    if kind.startswith("Proxy"):  # SIPp 3.6 computes no digest for it: that one is there must do
        check = f'<ereg regexp="{user}.*response" search_in="hdr" header="Proxy-Authorization:" check_it="true" '
        check, tell = check + 'assign_to="ok"/>', '<Reference variables="ok"/>'
    return f"""<recv request="{request}"/>{reply(status, challenge)}{ack}
    <recv request="{request}" rrs="true"><action>{check}</action></recv>{tell}"""


def registrar(user: str, password: str) -> tuple[str, ...]:
    """We register, are asked, register, and later let go: both with the right digest."""
    gone = (
        '<recv request="REGISTER"><action><ereg regexp="expires=0" search_in="hdr" header="Contact:" check_it="true" '
    )
    gone += 'assign_to="zero"/></action></recv><Reference variables="zero"/>'
    return (
        asked(user, password, "REGISTER", "401 Unauthorized"),
        reply("200 OK", "Expires: 600"),
        gone,
        reply("200 OK"),
    )


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def sipp(
    folder: Path,
    port: int,
    *steps: str,
    to: str = "+15550002222",
    calls: int = 1,
    ear: int = 9,
    options: tuple[str, ...] = (),
) -> tuple[int, str]:
    """Make calls; the exit code (0: all went by the scenario), and what went wrong."""
    options = ("-s", to, "-p", str(free_port()), "-m", str(calls), "-key", "ear", str(ear), *options)
    return await _sipp(folder, steps, *options, f"127.0.0.1:{port}")


async def callee(folder: Path, port: int, *steps: str) -> tuple[int, str]:
    """Take one call at a port, by these steps, and send back all audio; as `sipp`."""
    return await _sipp(folder, steps, "-p", str(port), "-mp", str(free_port() & ~1), "-m", "1", "-rtp_echo")


async def listening(port: int) -> None:
    """Wait until somebody has this UDP port: a request that comes before would be sent again a second later."""
    async with asyncio.timeout(20):
        while f":{port:04X} " not in Path("/proc/net/udp").read_text():  # noqa: ASYNC110, ASYNC240 (another process opens it)
            await asyncio.sleep(0.01)


async def _sipp(folder: Path, steps: tuple[str, ...], *options: str) -> tuple[int, str]:
    scenario = folder / f"scenario{free_port()}.xml"
    scenario.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="test">\n' + "\n".join(steps) + "\n</scenario>\n"
    )
    errors = scenario.with_suffix(".log")
    process = await asyncio.create_subprocess_exec(
        "sipp", "-sf", str(scenario), "-i", "127.0.0.1", "-mi", "127.0.0.1", "-timeout", "30", "-timeout_error",
        "-nostdin", "-trace_err", "-error_file", str(errors), *options,
        cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, (errors.read_text() if errors.exists() else "") + said.decode()


class Ear(asyncio.DatagramProtocol):
    """Hears RTP.

    Attributes:
        heard: Payload of audio by its type.
        sizes: Lengths of payloads that have come.
    """

    def __init__(self) -> None:
        self.heard: dict[int, bytearray] = {}
        self.sizes: set[int] = set()
        self.port = 0
        self._transport: asyncio.BaseTransport | None = None

    async def open(self) -> Ear:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]
        return self

    def datagram_received(self, data: bytes, address: object) -> None:
        if len(data) > 12:
            kind = struct.unpack("!BB", data[:2])[1] & 0x7F
            self.heard.setdefault(kind, bytearray()).extend(data[12:])
            self.sizes.add(len(data) - 12)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()
