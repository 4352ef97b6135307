"""XML of machines: what is hostile or torn is one sentence, and quickly so; what is right is read in any encoding."""

import sys
from pathlib import Path

import numpy as np
import pytest
from machine_recordings import (
    EIGHT,
    aecg_file,
    cardiosoft_file,
    counts_of,
    muse,
    muse_file,
    philips_file,
    sequence_set,
    series,
    write_xml,
)

from pipeline.signals.leads import LEADS
from pipeline.sources.formats import xml_files
from pipeline.sources.formats.extras import NoReaderError
from pipeline.sources.formats.opened import NotSaidError, Said
from pipeline.sources.formats.recording import RecordError
from pipeline.sources.formats.registry import FORMATS, open_file
from pipeline.sources.formats.xml_files import (
    ROOTS,
    base64_counts,
    check_count,
    number_of,
    numbers,
    opened_leads,
    parsed,
    rate_of,
    root_name,
    text_of,
    the_wanted,
)

COUNTS = counts_of(EIGHT, 100)
BOMB = (
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
FILES = {
    "AnnotatedECG": aecg_file(series(sequence_set(COUNTS))),
    "RestingECG": muse_file(muse(COUNTS)),
    "CardiologyXML": cardiosoft_file(COUNTS),
    "restingecgdata": philips_file(counts_of(LEADS, 100)),
}


def refused(path: str) -> str:
    with pytest.raises(RecordError) as told:
        open_file(path)
    assert path in str(told.value)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("root", ROOTS)
def test_each_format_is_known_by_its_root_in_any_encoding(tmp_path, root):
    path = write_xml(tmp_path / "a.xml", FILES[root])
    assert root_name(path) == parsed(path, root).tag == root
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "b.xml").write_bytes(f"<?xml version='1.0'?>\n<!-- <a> --><{root}/>".encode(encoding))
        assert root_name(str(tmp_path / "b.xml")) == root
        assert parsed(str(tmp_path / "b.xml"), root).tag == root


def test_there_is_a_root_for_each_format_that_is_xml():
    titles = [each.title for each in FORMATS.values() if ".xml" in each.endings]
    assert sorted(titles) == sorted(ROOTS.values())


def test_names_come_without_their_namespaces(tmp_path):
    path = write_xml(tmp_path / "a.xml", '<h:AnnotatedECG xmlns:h="urn:x"><h:b h:c="1"> 2\n</h:b></h:AnnotatedECG>')
    tree = parsed(path, "AnnotatedECG")
    assert tree.find("b").attrib == {"c": "1"}
    assert text_of(tree, "b") == "2"
    assert text_of(tree, "none") == text_of(None) == ""


@pytest.mark.parametrize(
    ("before", "inside"),
    [
        (BOMB, "&i;"),
        ('<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;"),
        ('<!DOCTYPE a [<!ENTITY % a SYSTEM "http://127.0.0.1/a.dtd"> %a;]>', ""),
        ('<!DOCTYPE a [<!ENTITY a "harmless">]>', ""),
    ],
)
@pytest.mark.parametrize("root", ROOTS)
def test_entities_and_other_files_are_never_followed(tmp_path, root, before, inside):
    path = write_xml(tmp_path / "a.xml", f"{before}<{root}>{inside}</{root}>")
    assert "declares entities or refers to other files, which are never followed" in refused(path)


def test_a_dtd_that_is_named_is_not_looked_for(tmp_path):
    path = write_xml(tmp_path / "a.xml", '<!DOCTYPE RestingECG SYSTEM "http://127.0.0.1:1/restecg.dtd"><RestingECG/>')
    assert parsed(path, "RestingECG").tag == "RestingECG"


@pytest.mark.parametrize("root", ROOTS)
def test_depth_number_and_size_are_bounded(tmp_path, root, monkeypatch):
    deep = write_xml(tmp_path / "deep.xml", f"<{root}>{'<a>' * 100_000}")
    assert "has elements 200 deep within each other" in refused(deep)
    attributes = " ".join(f"a{number}='>'" for number in range(200_000))
    for long in (f"<{root} {attributes}/>", f"<!--{'x' * 3_000_000}--><{root}/>"):
        path = write_xml(tmp_path / "long.xml", long)
        assert "has a tag or comment without an end for 1048576 bytes" in refused(path)
    monkeypatch.setattr(xml_files, "_MOST_ELEMENTS", 1000)
    many = write_xml(tmp_path / "many.xml", f"<{root}>{'<a/>' * 1000}</{root}>")
    assert "has more than 1000 elements" in refused(many)
    monkeypatch.setattr(xml_files, "MOST_XML_BYTES", 1000)
    assert "bytes, and more than 1000 are not read" in refused(many)


@pytest.mark.parametrize(
    "text",
    ["", "I,II\n1,2\n", "<a>", "<a></b>", "\0" * 50, "<?xml version='1.0' encoding='klingon'?><a/>", "<a>&b;</a>"],
)
def test_what_is_no_xml(tmp_path, text):
    assert "is damaged or no XML" in refused(write_xml(tmp_path / "a.xml", text))


def test_xml_of_other_kinds(tmp_path):
    sentence = refused(write_xml(tmp_path / "a.xml", "<svg/>"))
    assert "is XML of svg, and read are AnnotatedECG (HL7 aECG), RestingECG (GE MUSE)," in sentence
    assert refused(str(tmp_path / "none.xml")).endswith("is missing")


@pytest.mark.parametrize("root", ROOTS)
def test_a_file_cut_off_anywhere(tmp_path, root):
    data = Path(write_xml(tmp_path / "whole.xml", FILES[root])).read_bytes()
    for place in range(0, len(data) - 1, max(1, len(data) // 40)):
        (tmp_path / "a.xml").write_bytes(data[:place])
        refused(str(tmp_path / "a.xml"))


@pytest.mark.parametrize("root", ROOTS)
def test_a_damaged_file_is_a_recording_or_one_sentence(tmp_path, root):
    whole, path = Path(write_xml(tmp_path / "a.xml", FILES[root])).read_bytes(), tmp_path / "b.xml"
    chance = np.random.default_rng(0)
    for _ in range(150):
        data = bytearray(whole)
        for place in chance.integers(0, len(data) - 40, chance.integers(1, 4)):
            change = chance.integers(3)
            if change == 0:
                data[place] = chance.integers(256)
            elif change == 1:
                del data[place : place + chance.integers(1, 30)]
            else:
                data[place:place] = data[place + 3 : place + chance.integers(4, 30)]
        path.write_bytes(data)
        try:
            signal = open_file(str(path)).read().signal
        except RecordError:
            refused(str(path))
        else:
            assert np.isfinite(signal).all()


@pytest.mark.parametrize("root", ROOTS)
def test_without_defusedxml_the_sentence_says_what_to_install(tmp_path, root, monkeypatch):
    path = write_xml(tmp_path / "a.xml", FILES[root])
    monkeypatch.setitem(sys.modules, "defusedxml.ElementTree", None)
    with pytest.raises(NoReaderError, match=r'is read by defusedxml, .*pip install "ecgfusion\[clinical\]"'):
        open_file(path)


def test_numbers_of_all_kinds():
    assert number_of("a", "b", "4,88") == 4.88
    for text in ("", "x", "nan", "inf", "1,2,3"):
        with pytest.raises(RecordError, match="as b, which is no number"):
            number_of("a", "b", text)
    assert rate_of("a", "") is None
    assert rate_of("a", "500") == 500.0
    for text in ("0", "-1", "1e12"):
        with pytest.raises(RecordError, match=f"says {text} Hz as its sampling rate, which no recording has"):
            rate_of("a", text)
    np.testing.assert_array_equal(numbers("a", "b", " 1, -2\n3.5 4,"), [1, -2, 3.5, 4])
    for text, sentence in (("1 x", "no number"), (" ", "without samples")):
        with pytest.raises(RecordError, match=sentence):
            numbers("a", "b", text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("AAA", "damaged or cut off base64"), ("A!AA", "damaged"), ("", "without samples"), ("AAAA", "in 3 bytes")],
)
def test_base64_that_is_cut_off(text, sentence):
    with pytest.raises(RecordError, match=sentence):
        base64_counts("a", "lead I", text)
    np.testing.assert_array_equal(base64_counts("a", "lead I", "AQD/\n/wCA"), [1, -1, -32768])


def test_counts_that_no_file_has():
    check_count("a", "leads", "", 3)
    check_count("a", "leads", "3", 3)
    with pytest.raises(RecordError, match="announces 1000000000000 leads and has 3"):
        check_count("a", "leads", "1000000000000", 3)


def test_one_of_several_is_named():
    assert the_wanted("a", ["x"], "strips", None) == the_wanted("a", ["y", "x"], "strips", "2") == "x"
    with pytest.raises(RecordError, match="holds 2 strips: say which is the recording with --array 1 to 2"):
        the_wanted("a", ["x", "y"], "strips", None)
    with pytest.raises(RecordError, match=r"has no strips 2 \(it has 1\)"):
        the_wanted("a", ["x"], "strips", "2")


def test_leads_that_do_not_fit_together():
    three = np.arange(3.0)
    opened = opened_leads("a", [("I", three), ("V1", -three)], ["uV"], 100.0, Said(leads=("V1",)))
    np.testing.assert_allclose(opened.read().signal, [-three / 1000])
    with pytest.raises(RecordError, match="has 2 samples of lead II and 3 of I"):
        opened_leads("a", [("I", three), ("II", three[:2])], ["uV"], 100.0, Said())
    with pytest.raises(RecordError, match="names a lead twice"):
        opened_leads("a", [("I", three), ("I", three)], ["uV"], 100.0, Said())
    with pytest.raises(NotSaidError, match="does not say its unit and sampling rate"):
        opened_leads("a", [("I", three)], [None], None, Said())
    assert opened_leads("a", [("I", three)], [None], None, Said("mV", 2.0)).asked == {"unit", "sampling_rate", "array"}
