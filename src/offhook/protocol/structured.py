"""The two structured fields of a signed request, `Signature-Input` and `Signature`, as text and as values (P2.5, P2.6).

Judges only the form (RFC 8941 through `http_sf`): knows no key, no clock, and no other header.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, TypeAlias

import http_sf
import msgspec

MAX_FIELD = 2048
"""Longest field that is parsed, in characters: a usual `Signature-Input` has 330, and anybody can make us parse one."""

Component: TypeAlias = tuple[str, Mapping[str, object]]
Seconds = Annotated[int, msgspec.Meta(ge=0)]


_KEY = r"[a-z*][a-z0-9_.*-]*"
_STRING = r'"[ !#-\[\]-~]*"'
_INTEGER = r"(?:0|[1-9][0-9]{0,14})"
_VALUE = f"({_STRING})|({_INTEGER})"
_LIST: Final = re.compile(rf"({_KEY})=\(({_STRING}(?: {_STRING})*)\)((?:;{_KEY}=(?:{_STRING}|{_INTEGER}))*)")
_PARAMETER: Final = re.compile(f";({_KEY})=(?:{_VALUE})")
_SHA256: Final = re.compile(f"({_KEY})=:([A-Za-z0-9+/]{{43}}=):")


class MalformedField(ValueError):
    """A field does not have the form of P2.6 steps 2 to 5. The text is for our own log."""


class SignatureParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parameters after the list of components; no others may occur (P2.6 step 5).

    Attributes:
        created: UNIX time, seconds.
        expires: UNIX time, seconds.
    """

    keyid: str | None = None
    nonce: str | None = None
    alg: str | None = None
    created: Seconds | None = None
    expires: Seconds | None = None


class Signed(msgspec.Struct, frozen=True):
    """One labelled signature and what it says it covers.

    Attributes:
        components: names in the order received, each with its own parameters (AudioHook uses none).
        given: the parameters in the order received, which the signature base repeats.
        written: their text, where it came in the one form in which it is written; empty where it has to be made anew.
    """

    label: str
    components: list[Component]
    parameters: SignatureParameters
    given: Mapping[str, str | int]
    signature: bytes
    written: str = ""

    def signature_params(self) -> str:
        """The value of the `@signature-params` line, as it is made anew from the parsed form (P2.6 step 12).

        Equal to what `http_sf.ser` makes of all that the parser lets through, at a fifth of its price: names and
        strings of printable ASCII, integers of at most 15 digits. Parameters of components are not written.
        """
        if self.written:
            return self.written
        text = "(" + " ".join([_quote(name) for name, _ in self.components]) + ")"
        for key, value in self.given.items():
            text += f";{key}={_quote(value) if isinstance(value, str) else value}"
        return text


def read_signatures(headers: Mapping[str, str]) -> tuple[Signed, ...]:
    """Read all signatures of a request, in the order of `Signature-Input`.

    Args:
        headers: lower-case names; values trimmed, unfolded, joined with ", " where a field was repeated.

    Returns:
        No signature at all if neither field is there (an empty one counts as absent).

    Raises:
        MalformedField: anything else than P2.6 steps 2 to 5 allow.
    """
    inputs, plain = _parse("signature-input", headers)
    signatures, _ = _parse("signature", headers)
    if bool(inputs) != bool(signatures):
        raise MalformedField("only one of Signature-Input and Signature is there")
    written = plain.partition("=")[2]
    return tuple([_read_member(label, member, signatures.get(label), written) for label, member in inputs.items()])


def write_signature_params(components: Iterable[str], parameters: Mapping[str, str | int]) -> str:
    """Write `("a" "b");key=value`: one member of `Signature-Input`, and the value of `@signature-params`.

    Raises:
        ValueError: a name or value that structured fields cannot carry.
    """
    member: http_sf.InnerListType = ([(name, {}) for name in components], {**parameters})
    return http_sf.ser([member])


def write_signature(label: str, signature: bytes) -> str:
    """Write the value of `Signature` with one member.

    Raises:
        ValueError: a label that is not a key of structured fields.
    """
    return http_sf.ser({label: (signature, {})})


def _parse(name: str, headers: Mapping[str, str]) -> tuple[Mapping[str, object], str]:
    """The members of a field, and its text where that is the one form in which they are written."""
    value = headers.get(name, "")
    if len(value) > MAX_FIELD:
        raise MalformedField(f"{name} has {len(value)} characters, more than {MAX_FIELD}")
    plain = _plain(value)
    if plain is not None:
        return plain, value
    try:
        parsed = http_sf.parse(value.encode("ascii"), tltype="dictionary")
    except ValueError as why:  # StructuredFieldError and UnicodeEncodeError
        raise MalformedField(f"{name} is not a structured dictionary: {str(why)[:80]}") from None
    assert isinstance(parsed, dict)
    return parsed, ""


def _plain(value: str) -> Mapping[str, object] | None:
    """What http_sf makes of a field as platforms write it: one member, and nothing loose or quoted in it.

    A signed upgrade costs half as much by it. None if the field is anything else, or malformed: then http_sf judges.
    Of what it takes, `http_sf.ser` makes the same text again.
    """
    found = _SHA256.fullmatch(value)
    if found is not None:
        return {found[1]: (binascii.a2b_base64(found[2]), {})}
    found = _LIST.fullmatch(value)
    if found is None:
        return None
    label, names, rest = found.groups()
    parameters = _PARAMETER.findall(rest)
    given = {key: text[1:-1] if text else int(number) for key, text, number in parameters}
    if len(given) < len(parameters):
        return None
    return {label: ([(name, {}) for name in names[1:-1].split('" "')], given)}


def _read_member(label: str, member: object, signature: object, written: str) -> Signed:
    """P2.6 steps 4 and 5 for one label."""
    match signature:
        case (bytes(mac), {}):
            pass
        case _:
            raise MalformedField("a label of Signature-Input has no byte sequence in Signature")
    match member:
        case (list(components), dict(given)):
            pass
        case _:
            raise MalformedField("a member of Signature-Input is not an inner list")
    for name, _ in components:
        if type(name) is not str:
            raise MalformedField("a covered component is not a string")
    try:
        parameters = msgspec.convert(given, SignatureParameters)
    except msgspec.ValidationError as why:
        raise MalformedField(f"a parameter of Signature-Input is wrong: {str(why)[:80]}") from None
    return Signed(label, components, parameters, given, mac, written)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
