from __future__ import annotations

import http_sf
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.protocol.structured import (
    MAX_FIELD,
    MalformedField,
    SignatureParameters,
    read_signatures,
    write_signature,
    write_signature_params,
)
from offhook.protocol.structured import _plain as plain

printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
parameters = st.fixed_dictionaries(
    {},
    optional={
        "keyid": printable,
        "nonce": printable,
        "alg": printable,
        "created": st.integers(0, 10**15 - 1),
        "expires": st.integers(0, 10**15 - 1),
    },
).flatmap(lambda given: st.permutations(list(given.items())).map(dict))


@given(st.lists(printable), parameters)
def test_what_is_read_is_written_again_as_http_sf_would(names: list[str], params: dict[str, str | int]) -> None:
    text = write_signature_params(names, params)
    headers = {"signature-input": f"a={text}", "signature": write_signature("a", b"mac")}
    if len(headers["signature-input"]) > MAX_FIELD:
        return
    (signed,) = read_signatures(headers)
    assert signed.signature_params() == text
    assert signed.signature_params() == http_sf.ser([(signed.components, signed.given)])
    assert [name for name, _ in signed.components] == names
    assert msgspec.to_builtins(signed.parameters) == dict.fromkeys(SignatureParameters.__struct_fields__) | params
    assert (signed.label, signed.signature) == ("a", b"mac")


FIELD = 'sig1=("@request-target" "@authority" "x-api-key");keyid="YQ==";nonce="bm9uY2U";created=1795856059;expires=0'


@given(st.data())
def test_the_short_way_reads_what_http_sf_reads(data: st.DataObject) -> None:
    """Fields as they are usually written, with one place of them changed to something near."""
    field = data.draw(st.sampled_from([FIELD, f"sig1=:{'A' * 43}=:", f"sig1=:{'A' * 42}B=:", 'a=("")', "a=()"]))
    at = data.draw(st.integers(0, len(field)))
    piece = data.draw(
        st.sampled_from(['"', "\\", " ", ";", "=", ":", "(", ")", ",", "0", "-", "é", "", ";a=1;a=2", "A"])
    )
    changed = field[:at] + piece + field[at + data.draw(st.integers(0, 2)) :]
    short = plain(changed)
    if short is not None:
        assert short == http_sf.parse(changed.encode(), tltype="dictionary")
        if "=(" in changed:  # what is signed is the text that came
            assert http_sf.ser([*short.values()]) == changed.partition("=")[2]


@pytest.mark.parametrize("field", [FIELD, f"sig1=:{'A' * 43}=:", 'a=("")', 'a=("" " ");nonce=""'])
def test_usual_fields_take_the_short_way(field: str) -> None:
    assert plain(field) == http_sf.parse(field.encode(), tltype="dictionary")


def test_loose_writing_is_read_as_the_strict_one() -> None:
    headers = {
        "signature-input": ' s=(  "a"   "b\\"c" );  created=0010;nonce="n" ,\t b=()  ',
        "signature": "other=:YQ==:, b=:YQ:,s=:YWI=:",
    }
    first, second = read_signatures(headers)
    assert first.signature_params() == '("a" "b\\"c");created=10;nonce="n"'
    assert (first.signature, second.signature) == (b"ab", b"a")
    assert second.signature_params() == "()"


def test_the_last_of_two_equal_keys_counts() -> None:
    """RFC 8941 section 4.2.2 and 4.2.3.2."""
    headers = {"signature-input": 'a=("x"), b=();created=1;created=2, a=("y")', "signature": "a=:YQ==:, b=:YQ==:"}
    first, second = read_signatures(headers)
    assert first.signature_params() == '("y")'
    assert second.signature_params() == "();created=2"


@pytest.mark.parametrize("headers", [{}, {"signature": "", "signature-input": "  "}])
def test_no_fields_no_signatures(headers: dict[str, str]) -> None:
    assert read_signatures(headers) == ()


@pytest.mark.parametrize(
    ("signature_input", "signature"),
    [
        ("a=()", ""),
        ("", "a=:YQ==:"),
        ("a=(", "a=:YQ==:"),
        ("a=()", "a=:Y:"),
        ("a=()", "a=:YQ==:,"),
        ("a", "a=:YQ==:"),
        ("a=()", "a"),
        ("a=()", "b=:YQ==:"),
        ("a=()", 'a="YQ=="'),
        ("a=(b)", "a=:YQ==:"),
        ("a=(1)", "a=:YQ==:"),
        ("a=(())", "a=:YQ==:"),
        ('a=(%"x")', "a=:YQ==:"),
        ("a=();created=1.0", "a=:YQ==:"),
        ("a=();created", "a=:YQ==:"),
        ("a=();created=@1", "a=:YQ==:"),
        ("a=();created=-1", "a=:YQ==:"),
        ("a=();keyid=abc", "a=:YQ==:"),
        ("a=();keyid=1", "a=:YQ==:"),
        ("a=();tag=1", "a=:YQ==:"),
        ("A=()", "A=:YQ==:"),
        ("a=()" + " " * MAX_FIELD, "a=:YQ==:"),
    ],
)
def test_malformed(signature_input: str, signature: str) -> None:
    with pytest.raises(MalformedField):
        read_signatures({"signature-input": signature_input, "signature": signature})


def test_names_that_cannot_be_written() -> None:
    with pytest.raises(ValueError):
        write_signature_params(["é"], {})
    with pytest.raises(ValueError):
        write_signature_params([], {"created": 10**15})
    with pytest.raises(ValueError):
        write_signature("A", b"")
