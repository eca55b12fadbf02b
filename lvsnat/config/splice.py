"""Small edits of TOML text that touch nothing else: set a key, take one out, add and drop elements.

tomlkit was tried first: 0.15.2 writes a broken array when it appends behind a last element that has
a comment and no comma, takes the next table's comment away with a removed table, and needs four
seconds for 2,000 services. Positions (``locate.Layout``) and plain slices do neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lvsnat.config.locate import Item, Kind, Layout
from lvsnat.model.violation import Path


def replaced(text: str, start: int, end: int, new: str) -> str:
    return text[:start] + new + text[end:]


def set_key(text: str, table: Path, key: str, value: str, order: Sequence[str] = ()) -> str:
    """Give a key of an existing table a value, written as TOML.

    A new key comes behind those of the table that precede it in ``order``, or behind all.
    """
    layout = Layout(text)
    path = (*table, key)
    item = layout.find(path)
    if item is not None and item.kind is not Kind.HEADER:
        return replaced(text, item.value, item.end, value)
    if any(True for _ in layout.under(path)):  # dotted keys, or a table with a header
        return set_key(remove(text, path), table, key, value, order)
    around = layout.find(table)
    if around is None:  # the table is itself written with dotted keys: go on in their way
        under = list(layout.under(table))
        sibling = [item for item in under if item.container == under[0].container][-1]
        line = f"{table[-1]}.{key} = {value}"
        if sibling.kind is Kind.FIELD:
            return replaced(text, sibling.end, sibling.end, f", {line}")
        return _line_behind(layout, sibling, line)
    if around.kind is not Kind.HEADER:
        return _insert_field(layout, around, f"{key} = {value}")
    before = order[: order.index(key)] if key in order else ()
    return _line_behind(layout, _anchor(layout, around, before), f"{key} = {value}")


def set_top_key(text: str, key: str, value: str, before: Sequence[str]) -> str:
    """Give a key outside of all tables a value.

    A new one comes behind those of ``before`` that are there, or else before everything: below the
    comments that open the file, above those that speak of what comes first.
    """
    layout = Layout(text)
    item = layout.find((key,))
    if item is not None:
        return replaced(text, item.value, item.end, value)
    line = f"{key} = {value}"
    behind = [found for name in before if (found := layout.find((name,))) is not None]
    if behind:
        return _line_behind(layout, behind[-1], line)
    if not layout.items:  # comments alone
        return text.rstrip("\n") + f"\n\n{line}\n"
    first = layout.items[0]
    at = _comments_above(text, layout.line_start(first.start))
    gap = "\n" if first.kind is Kind.HEADER else ""
    return replaced(text, at, at, f"{line}\n{gap}")


def update_table(
    text: str, table: Path, old: Mapping[str, str], new: Mapping[str, str], order: Sequence[str]
) -> str:
    """Write the values that differ; a key that ``new`` lacks is taken out."""
    for key in [key for key in new if new[key] != old.get(key)]:
        text = set_key(text, table, key, new[key], order)
    for key in [key for key in old if key not in new]:
        text = remove(text, (*table, key))
    return text


def remove(text: str, path: Path) -> str:
    """Take a key or an element out, in whichever way it was written; absent is well."""
    while True:
        layout = Layout(text)
        item = next(layout.under(path), None)
        if item is None:
            return text
        if item.kind is Kind.HEADER:
            return _remove_blocks(layout, path)
        if item.kind is Kind.ENTRY:
            text = replaced(text, layout.line_start(item.start), layout.line_end(item.end), "")
        else:
            text = _remove_part(layout, item)
        if item.path == path:
            return text  # otherwise a dotted key, which may have sisters


def append_element(text: str, path: Path, element: str) -> str:
    """Add an element at the end of an array, laid out like the one before it."""
    layout = Layout(text)
    array = layout.find(path)
    assert array is not None  # noqa: S101 - the caller has looked
    parts = _parts(layout, array.value)
    if not parts:
        return _first_element(layout, array, element)
    last = parts[-1]
    if last.comma is None:
        return append_element(replaced(text, last.end, last.end, ","), path, element)
    behind, line_end = last.comma + 1, layout.line_end(last.comma)
    rest = text[behind:line_end].strip()
    if line_end < array.end and (not rest or rest.startswith("#")):
        indent = text[layout.line_start(last.start) : last.start]
        indent = "  " if indent.strip() else indent
        return replaced(text, line_end, line_end, f"{indent}{element},\n")
    return replaced(text, behind, behind, f" {element}")


def append_blocks(text: str, path: Path, blocks: Sequence[str]) -> str:
    """Add tables with headers behind those of this path, or at the end of the text."""
    layout = Layout(text)
    statements = [i for i in layout.under(path) if i.kind in {Kind.HEADER, Kind.ENTRY}]
    at = layout.line_end(statements[-1].end) if statements else len(text)
    behind = at
    while text.startswith("#", behind):
        behind = layout.line_end(behind)
    if not text.startswith("[", behind):  # otherwise the comments speak of the next table
        at = behind
    head, tail = text[:at], text[at:]
    newline = "" if not head or head.endswith("\n") else "\n"
    gap = "" if not head.strip() or head.endswith("\n\n") else "\n"
    between = "\n" if tail and not tail.startswith("\n") else ""
    return head + newline + gap + "\n".join(blocks) + between + tail


def _first_element(layout: Layout, array: Item, element: str) -> str:
    text, closing = layout.text, array.end - 1
    if not text[array.value + 1 : closing].strip():
        return replaced(text, array.value, array.end, f"[\n  {element},\n]")
    start = layout.line_start(closing)  # only comments are inside: they stay above
    return replaced(text, start, start, f"  {element},\n")


def _parts(layout: Layout, container: int | None) -> list[Item]:
    """The fields or elements within the bracket that opens at this offset."""
    return [item for item in layout.items if item.container == container]


def _insert_field(layout: Layout, table: Item, field: str) -> str:
    parts = _parts(layout, table.value)
    if not parts:
        return replaced(layout.text, table.value, table.end, f"{{ {field} }}")
    return replaced(layout.text, parts[-1].end, parts[-1].end, f", {field}")


def _anchor(layout: Layout, header: Item, before: Sequence[str]) -> Item:
    """The line behind which a new key goes."""
    anchor = header
    for item in layout.items[layout.items.index(header) + 1 :]:
        if item.kind is Kind.HEADER:
            break
        if item.kind is Kind.ENTRY and (not before or item.path[len(header.path)] in before):
            anchor = item
    return anchor


def _line_behind(layout: Layout, anchor: Item, line: str) -> str:
    text, at = layout.text, layout.line_end(anchor.end)
    indent = text[layout.line_start(anchor.start) : anchor.start]
    newline = "" if text[:at].endswith("\n") else "\n"
    return replaced(text, at, at, f"{newline}{indent}{line}\n")


def _remove_blocks(layout: Layout, path: Path) -> str:
    """Take out the lines of a table with a header and of all that belongs to it.

    Comments between a blank line and the header speak of it and go too; all others stay.
    """
    statements = [item for item in layout.items if item.kind in {Kind.HEADER, Kind.ENTRY}]
    runs: list[list[Item]] = []
    inside = False
    for item in statements:
        belongs = item.path[: len(path)] == path
        if belongs and inside:
            runs[-1].append(item)
        elif belongs:
            runs.append([item])
        inside = belongs
    text = layout.text
    for run in reversed(runs):
        start, end = layout.line_start(run[0].start), layout.line_end(run[-1].end)
        text = _cut(text, _comments_above(text, start), end)
    return text


def _cut(text: str, start: int, end: int) -> str:
    """Take lines out, and one of two blank lines that would meet."""
    head, tail = text[:start], text[end:]
    if not tail.strip():
        head = head.rstrip("\n") + "\n" if head.strip() else head
    elif tail.startswith("\n") and (not head or head.endswith("\n\n")):
        tail = tail[1:]
    return head + tail


def _comments_above(text: str, start: int) -> int:
    at = start
    while at > 0:
        previous = text.rfind("\n", 0, at - 1) + 1
        if not text[previous:at].lstrip().startswith("#"):
            break
        at = previous
    return at if text[:at].endswith("\n\n") else start


def _remove_part(layout: Layout, part: Item) -> str:
    """Take out a field or an element with its comma; with its line, where it has that alone."""
    text, siblings = layout.text, _parts(layout, part.container)
    index = siblings.index(part)
    line, line_end = layout.line_start(part.start), layout.line_end(part.end)
    start, behind, far = part.start, part.end, None
    if part.comma is not None and part.comma < line_end:
        behind = part.comma + 1
    elif part.comma is not None:
        far = part.comma  # on a later line, before the next element
    elif index:
        comma = siblings[index - 1].comma
        assert comma is not None  # noqa: S101 - there is one between two siblings
        if part.kind is Kind.FIELD or comma >= line:
            start = comma
    rest = text[behind:line_end].strip()
    alone = not text[line:start].strip() and (not rest or rest.startswith("#"))
    if alone and part.container is not None and part.container < line:
        start, behind = line, line_end
    elif start == part.start:
        behind += len(text[behind:]) - len(text[behind:].lstrip(" \t"))
    if far is not None:
        text = replaced(text, far, far + 1, "")
    return replaced(text, start, behind, "")
