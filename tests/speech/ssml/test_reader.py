"""SSML is read, or refused with line and column; nothing else comes out of it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.errors import SSMLError
from offhook.speech.ssml.document import (
    Audio,
    Block,
    Break,
    Emphasised,
    Mark,
    Phoneme,
    Pitch,
    Prosody,
    SayAs,
    Spoken,
    Sub,
    Text,
)
from offhook.speech.ssml.reader import DEEPEST, LARGEST, parse


def test_every_tag_is_read() -> None:
    document = parse(
        """<?xml version="1.0" encoding="latin-1"?>
        <speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-US">
        <p xml:lang="de">A</p><s>B</s><break time="250ms"/><break strength="weak"/><break/>
        <prosody rate="80%" pitch="+2st" volume="-6dB">C</prosody><emphasis>D</emphasis>
        <say-as interpret-as="date" format="mdy">1/2/26</say-as><sub alias="F">E</sub>
        <phoneme alphabet="x-sampa" ph='h@"loU'>G</phoneme><lang xml:lang="es">H</lang>
        <voice name="emma tom" gender="male" languages="en-GB:en fr">I</voice>
        <audio src="a.wav" clipBegin="1s" clipEnd="2s" repeatCount="3" soundLevel="+3dB" speed="150%">J</audio>
        <mark name="K"/><w>L</w><metadata><x/></metadata><v:effect n="1">M</v:effect></speak>"""
    )
    nodes = [node for node in document.children if not (isinstance(node, Text) and not node.text.strip())]
    assert nodes[:10] == [
        Block((Text("A"),), "p", "de"),
        Block((Text("B"),), "s"),
        Break(0.25),
        Break(0.5),
        Break(0.75),
        Prosody((Text("C"),), 0.8, Pitch(pytest.approx(2 ** (1 / 6))), -6.0),  # type: ignore[arg-type]
        Emphasised((Text("D"),), "moderate"),
        SayAs("1/2/26", "date", "mdy"),
        Sub("E", "F"),
        Phoneme("G", "həˈloʊ"),
    ]
    assert nodes[10] == Spoken((Text("H"),), "es")
    assert nodes[11] == Spoken((Text("I"),), "en-GB", ("emma", "tom"), "male")
    audio = nodes[12]
    assert isinstance(audio, Audio)
    assert (audio.source, audio.begin, audio.end, audio.repeat, audio.gain, audio.speed) == ("a.wav", 1, 2, 3, 3, 1.5)
    assert nodes[13:] == [Mark("K"), Text("L"), Text("M")]
    assert document.language == "en-US"
    assert document.ignored == ("<metadata>", "<v:effect>")
    assert document.text == "A B CD 1/2/26E GH I LM"


@pytest.mark.parametrize(
    ("source", "line", "column", "says"),
    [
        ("<speak>Tom & Jerry</speak>", 1, 13, "&amp;"),
        ("<speak>\n  Hi <brek/></speak>", 2, 6, "did you mean 'break'"),
        ("<speak><break tme='1s'/></speak>", 1, 8, "did you mean 'time'"),
        ("<speak><break time='1 hour'/></speak>", 1, 8, "500ms"),
        ("<speak><break time='90s'/></speak>", 1, 8, "60 s"),
        ("<speak><break strength='huge'/></speak>", 1, 8, "x-strong"),
        ("<speak>a\n<p>b</speak>", 2, 7, "<p> of line 2, column 1 is not closed"),
        ("<speak>a", 1, 9, "<speak> is open"),
        ("<speak><emphasis level='very'>x</emphasis></speak>", 1, 8, "strong"),
        ("<speak><say-as interpret-as='telefon'>x</say-as></speak>", 1, 8, "telephone"),
        ("<speak><say-as>x</say-as></speak>", 1, 8, "interpret-as"),
        ("<speak><say-as interpret-as='date'><b/></say-as></speak>", 1, 36, "holds no tags"),
        ("<speak><sub>x</sub></speak>", 1, 8, "alias"),
        ("<speak><phoneme>x</phoneme></speak>", 1, 8, "ph"),
        ("<speak><phoneme ph='a9'>x</phoneme></speak>", 1, 8, "'9'"),
        ("<speak><prosody rate='quick'>x</prosody></speak>", 1, 8, "x-fast"),
        ("<speak><prosody rate='900%'>x</prosody></speak>", 1, 8, "400%"),
        ("<speak><prosody pitch='5Hz'>x</prosody></speak>", 1, 8, "20Hz"),
        ("<speak><prosody volume='+40dB'>x</prosody></speak>", 1, 8, "+12dB"),
        ("<speak><voice>x</voice></speak>", 1, 8, "name"),
        ("<speak><voice gender='robot'>x</voice></speak>", 1, 8, "neutral"),
        ("<speak><lang>x</lang></speak>", 1, 8, "es-ES"),
        ("<speak><mark/></speak>", 1, 8, "name"),
        ("<speak><mark name='a'>x</mark></speak>", 1, 8, "holds nothing"),
        ("<speak><audio>x</audio></speak>", 1, 8, "src"),
        ("<speak><audio src='a' clipBegin='2s' clipEnd='1s'/></speak>", 1, 8, "clipEnd"),
        ("<speak><audio src='a' repeatCount='0'/></speak>", 1, 8, "1 to 100"),
        ("<speak>a<speak>b</speak></speak>", 1, 9, "within"),
        ("<?xml version='1.0'?><html/>", 1, 22, "<speak>"),
        ("<speak>&nbsp;</speak>", 1, 8, "&#160;"),
        ("Hello <brake/> you", 1, 7, "'break'"),
        ("Hello\n<b", 2, 3, "&lt;"),
        ("\n  <speak>\n<x/></speak>", 3, 1, "not a tag"),
        ("\n  <speak><x/></speak>", 2, 10, "not a tag"),
        ("<speak>ä€𝄞<x/></speak>", 1, 11, "not a tag"),
        ("<speak>a\n\ud800</speak>", 2, 1, "half of a character"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(source: str, line: int, column: int, says: str) -> None:
    with pytest.raises(SSMLError) as raised:
        parse(source)
    assert says in str(raised.value)
    assert (raised.value.line, raised.value.column) == (line, column), str(raised.value)
    assert f"line {line}, column {column}" in str(raised.value)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "source",
    [
        f'<?xml version="1.0"?><!DOCTYPE speak [<!ENTITY l0 "ha">{LAUGHS}]><speak>&l9;</speak>',
        '<?xml version="1.0"?><!DOCTYPE speak [<!ENTITY f SYSTEM "file:///etc/passwd">]><speak>&f;</speak>',
        '<?xml version="1.0"?><!DOCTYPE speak SYSTEM "http://127.0.0.1/x.dtd"><speak/>',
        "<speak>" + "<p>" * DEEPEST + "x" + "</p>" * DEEPEST + "</speak>",
        "<speak>" + "<desc>" * 5000 + "</desc>" * 5000 + "</speak>",
        "<speak>" + "x" * LARGEST + "</speak>",
    ],
)
def test_what_would_grow_or_fetch_is_refused(source: str) -> None:
    with pytest.raises(SSMLError):
        parse(source)


def test_numeric_entities_and_cdata_are_text() -> None:
    assert parse("<speak>a&#160;&#x41;<![CDATA[<b>]]> &lt;&amp;&gt;</speak>").text == "a A<b> <&>"


def test_text_without_a_root_is_what_would_stand_within() -> None:
    assert parse("Hello <break/> you").text == "Hello you"
    assert parse("").children == ()


TAGS = st.sampled_from(
    [
        "speak",
        "p",
        "s",
        "break",
        "prosody",
        "emphasis",
        "say-as",
        "sub",
        "phoneme",
        "lang",
        "voice",
        "audio",
        "mark",
        "x",
    ]
)
NAMES = st.sampled_from(
    ["time", "strength", "rate", "pitch", "volume", "level", "interpret-as", "alias", "ph", "alphabet", "xml:lang",
     "name", "src", "clipBegin", "repeatCount", "soundLevel", "format"]
)  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["1s", "-1s", "50%", "+10%", "-400%", "1e9", "9" * 30, "Hz", "10Hz", "+1st", "dB", "-inf", "nan", "x-sampa"]
    ),
)
MESS = st.recursive(
    st.one_of(st.text(max_size=10), st.sampled_from(["&", "<", "]]>", "&#0;", "&#xD800;", "<!--", "<?xml?>", "\x00"])),
    lambda inner: st.builds(
        lambda tag, attributes, children, end: (
            f"<{tag}"
            + "".join(f' {name}="{value}"' for name, value in attributes.items())
            + ">"
            + "".join(children)
            + end
        ),
        TAGS,
        st.dictionaries(NAMES, VALUES, max_size=3),
        st.lists(inner, max_size=4),
        TAGS.map(lambda tag: f"</{tag}>"),
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), MESS, MESS.map(lambda inner: f"<speak>{inner}</speak>")))
def test_nothing_but_its_own_error_comes_out(source: str) -> None:
    with contextlib.suppress(SSMLError):
        parse(source)
