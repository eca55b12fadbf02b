"""Laws of the scanner: it finds every key that tomllib finds, at the line where it was written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from lvsnat.config.locate import Kind, Layout
from lvsnat.config.toml import string
from lvsnat.model.violation import Path

keys = st.sampled_from(["a", "b-c", "1", '"q.x"', "'#'", '"\\""'])
SCALARS = [
    "1",
    "-1.5e+3",
    "true",
    "1979-05-27 07:32:00",
    "07:32:00",
    "0x1F",
    '""',
    '"# ] } , ="',
    "'\\'",
    '"""a\n"" b"""',
    '"""\\""""""',
    "'''x\n'y'''''",
    '"\\\\"',
]


@st.composite
def values(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.sampled_from(["scalar", "array", "table"] if depth else ["scalar"]))
    if kind == "scalar":
        return draw(st.sampled_from(SCALARS))
    inner = draw(st.lists(values(depth - 1), max_size=3))
    if kind == "table":
        fields = [
            f"{k}.{n} = {v}" if n % 2 else f"k{n}={v}"
            for n, (k, v) in enumerate(zip(["x", "y", "z"], inner, strict=False))
        ]
        return "{ " + ", ".join(fields) + " }"
    comma = draw(st.sampled_from([",", " ,\n", ", # ] no }\n\n"]))
    return "[" + draw(st.sampled_from(["", "\n# [\n"])) + comma.join(inner) + "]"


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines: list[str] = []
    for table in range(draw(st.integers(0, 4))):
        header = draw(st.sampled_from(["[[list]]", f"[t{table}]", f"[t{table} . 'x.y'] # [z]"]))
        lines += [header if table else "", "# k = 1"]
        if header == "[[list]]" and table:
            lines += draw(st.sampled_from([[], ["[list.sub]"], ["[[list.subs]]", "[[list.subs]]"]]))
        for key in draw(st.lists(keys, unique=True, max_size=3)):
            lines.append(f"{key} = {draw(values())}")
            lines += [""] * draw(st.integers(0, 2))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


def paths(data: object, path: Path = ()) -> Iterator[Path]:
    """Every path that a reader of TOML finds."""
    if path:
        yield path
    if isinstance(data, dict):
        for key, value in data.items():
            yield from paths(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from paths(value, (*path, index))


@given(documents())
def test_every_key_is_found_and_nothing_else(text: str) -> None:
    expected = set(paths(tomllib.loads(text)))

    layout = Layout(text)

    found = {item.path[:n] for item in layout.items for n in range(1, len(item.path) + 1)}
    assert found == expected


@given(documents())
def test_every_span_holds_the_value_that_was_read(text: str) -> None:
    data = tomllib.loads(text)

    for item in Layout(text).items:
        if item.kind is Kind.HEADER:
            continue
        value: object = data
        for part in item.path:
            value = value[part]  # type: ignore[index]  # the path was found in the data
        span = text[item.value : item.end]
        assert tomllib.loads(f"v = {span}")["v"] == value


@given(st.lists(st.text(max_size=5), max_size=5), st.integers(0, 5))
def test_lines_are_counted_from_one(words: list[str], blanks: int) -> None:
    lines = [
        "",
        *("" for _ in range(blanks)),
        *(f"k{i} = {string(w)}" for i, w in enumerate(words)),
    ]
    layout = Layout("\n".join(lines))

    for index in range(len(words)):
        assert layout.line((f"k{index}",)) == blanks + 2 + index
        assert layout.line((f"k{index}", "absent", 0)) == blanks + 2 + index
