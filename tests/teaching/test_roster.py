"""A learning platform's table comes back with marks, and every other byte as it was."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

import pytest

from cozad_book.grading.roster import match, read_roster
from cozad_teach.errors import CozadError

# Titles and names of files as the platforms write them.
MOODLE = (
    '\ufeffIdentifier,"Full name","Email address",Status,Grade,"Maximum Grade"\r\n'
    '"Participant 71","Ada Ümläut",ada@uni.edu,"Submitted, late",,"100,00"\r\n'
    '"Participant7","Bo ""B"" Lee",bo@uni.edu,,"3","100,00"\r\n'
)
CANVAS = (
    "Student,ID,SIS Login ID,Section,Week 3 (55)\n"
    "    Points Possible,,,,10.00\n"
    '"Lovelace, Ada",71,al7,"A, B",\n'
    '"Lee, Bo",7,bl,A,\n'
)
BLACKBOARD = (
    '"Last Name"\t"Username"\t"Week 3 [Total Pts: 10] |55"\n"Lovelace"\t"a_lov"\t""\n'
    '"Lee"\t"bo"\t"1"'
)


@pytest.mark.parametrize(
    ("text", "column", "names", "expected"),
    [
        (
            MOODLE,
            "Grade",
            ["Ada Ümläut_71_assignsubmission_file_", 'Bo "B" Lee_7_assignsubmission_file'],
            MOODLE.replace('late",,', 'late",1,').replace('"3"', '"2"'),
        ),
        (
            CANVAS,
            "Week 3 (55)",
            ["lovelaceada_LATE_71_7001_03_contrastive", "leebo_7_7002_03"],
            CANVAS.replace('B",\n', 'B",1\n').replace("bl,A,", "bl,A,2"),
        ),
        (
            BLACKBOARD,
            "Week 3 [Total Pts: 10] |55",
            ["Week_3_a_lov_attempt_2026-01-31-10-00-00_x", "Week_3_bo_attempt_2026-01-31-10-0-0"],
            BLACKBOARD.replace('""', '"1"').replace('"bo"\t"1"', '"bo"\t"2"'),
        ),
    ],
    ids=["Moodle", "Canvas", "Blackboard"],
)
def test_the_names_that_a_platform_gives_fill_its_table(
    tmp_path: Path, text: str, column: str, names: list[str], expected: str
) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode())
    roster = read_roster(path, None, column)
    found = match(roster, names)
    assert [found[line] for line in sorted(found)] == names
    marks = {line: str(names.index(name) + 1) for line, name in found.items()}
    assert roster.filled(marks) == expected.encode()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("bom", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "latin-1"),
    ],
)
def test_a_column_is_added_and_nothing_else_is_changed(
    tmp_path: Path, separator: str, end: str, bom: bytes, encoding: str
) -> None:
    """Against Python's own reader; the sign é tells the encodings apart."""
    rows = [["id", "who"], ["é1", f' a{separator}"b" '], ["=cmd|'x'!A1", "two\nlines"]]
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, lineterminator=end).writerows(rows)
    blank = stream.getvalue() + end  # an empty line at the end stays empty
    path = tmp_path / "roster.csv"
    path.write_bytes(bom + blank.encode(encoding))
    filled = read_roster(path, "id", "points").filled({2: "2.5"})
    assert filled.startswith(bom)
    text = filled.removeprefix(bom).decode(encoding)
    got = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    assert [row for row in got if row] == [
        ["id", "who", "points"],
        [*rows[1], ""],
        [*rows[2], "2.5"],
    ]
    assert text.endswith(end + end)
    assert read_roster(path, "id", "who").filled({}) == path.read_bytes()


PEOPLE = "id,mail,name\nid1,ann@a.edu,Ann\nid2,ann@b.edu,Ann\nid3,cy_x@b.edu,Cy\n,,nobody\n"


@pytest.mark.parametrize(
    ("by", "names", "expected"),
    [
        ("id", ["ID1", "id3", "id33", "xid1", "id"], {1: "ID1", 3: "id3"}),
        ("mail", ["ann@b.edu", "cy_x"], {2: "ann@b.edu", 3: "cy_x"}),
        ("name", ["Cy", "nobody", "C"], {3: "Cy", 4: "nobody"}),
        ("id", ["id_id1", "x_id1_attempt_2026-01-01-1"], {1: "x_id1_attempt_2026-01-01-1"}),
    ],
)
def test_nobody_is_matched_by_a_part_of_a_name(
    tmp_path: Path, by: str, names: list[str], expected: dict[int, str]
) -> None:
    (tmp_path / "r.csv").write_text(PEOPLE)
    assert match(read_roster(tmp_path / "r.csv", by, "Grade"), names) == expected


@pytest.mark.parametrize(
    ("by", "names", "told"),
    [
        ("mail", ["ann"], "ann may be of line 2 or line 3"),
        ("name", ["Ann", "Cy"], "Ann may be of line 2 or line 3"),
        ("id", ["id1", "ID1"], "id1 and ID1 are both of line 2"),
        ("id", ["ann"], "no submission is of anybody on the roster, by its column 'id'"),
    ],
)
def test_what_could_be_two_students_is_refused_by_name(
    tmp_path: Path, by: str, names: list[str], told: str
) -> None:
    (tmp_path / "r.csv").write_text(PEOPLE)
    with pytest.raises(CozadError, match=told):
        match(read_roster(tmp_path / "r.csv", by, "Grade"), names)


@pytest.mark.parametrize(
    ("text", "by", "column", "told"),
    [
        (b"", None, "Grade", "is no table"),
        (b"\n\na,b\n", None, "Grade", "is no table"),
        (b"name,Grade\nx,1\n", None, "Grade", "none of the columns Identifier, ID, Username"),
        (b"name\nx\n", "mail", "Grade", "'mail' is not there.*--by, of name$"),
        (b"ID,Grade,Grade\nx,1,2\n", None, "Grade", "'Grade' is twice there.*--column"),
        (b"ID,Grade\nx,1\ny\n", None, "Grade", "line 3: 1 cells under 2 titles"),
        (b'ID,Grade\n"x,1\ny,2\n"z,3,4\n', None, "Grade", "line"),
        (b"\xff\xfe\x00", None, "Grade", "none of the columns"),
    ],
)
def test_what_is_no_such_table_is_refused(
    tmp_path: Path, text: bytes, by: str | None, column: str, told: str
) -> None:
    (tmp_path / "r.csv").write_bytes(text)
    with pytest.raises(CozadError, match=told):
        read_roster(tmp_path / "r.csv", by, column)
    with pytest.raises(CozadError, match="cannot read the roster"):
        read_roster(tmp_path, by, column)
