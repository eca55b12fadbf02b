"""Every ```console block in the documentation is run as it stands, and its output compared.

A page says where it is run, in a comment that no reader sees:

    <!-- run in: the lab -->                      in the lab's own shell, with no network laid out
    <!-- run in: dual-subnet, on the director --> in that network, on that host

All commands of a page are typed into one shell. ``$ `` starts a command, and what follows is its
output, up to the next one. ``...`` stands for any text within a line, or on a line of its own for
any lines. Spaces count as one. A command without output shown may print anything. Each must
succeed, unless an error is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from labkit.topology import dual_subnet, single_subnet

from lvsnat.system import run

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"<!-- run in: (?P<net>[\w -]+?)(, on the (?P<host>\w+))? -->")
STEP = re.compile(r"((?:[^\n]*\\\n)*[^\n]*\n)((?s:.*))")
LAYOUTS = {"dual-subnet": dual_subnet, "single-subnet": single_subnet}
END = "== end of the command, with status"
PAGE_SECONDS = 1500
"""A page is read in one or two minutes, unless the machine is busy."""


@dataclass(frozen=True, slots=True)
class Example:
    """One command of a page and what the page shows of its output."""

    command: str
    output: str


def examples(page: str) -> list[Example]:
    found = []
    for block in BLOCK.findall(page):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            parts = STEP.fullmatch(step)
            assert parts, f"not a command: {step}"
            found.append(Example(parts[1].strip(), parts[2].strip()))
    return found


def matches(shown: str, said: str) -> bool:
    """Tell whether a page's version of an output stands for the real one."""
    pattern = ""
    for line in shown.splitlines():
        words = re.escape(" ".join(line.split()))
        pattern += r"(?:.*\n)*" if line.strip() == "..." else words.replace(r"\.\.\.", ".*") + r"\n"
    text = "".join(" ".join(line.split()) + "\n" for line in said.strip().splitlines())
    return re.fullmatch(pattern, text) is not None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command said, and how it ended."""

    said: str
    status: int


def objection(example: Example, outcome: Outcome) -> str:
    """What is untrue about an example, or nothing."""
    shown = f"$ {example.command}\n{example.output}".strip()
    if (outcome.status != 0) != example.output.startswith("error"):
        return f"{shown}\nended with {outcome.status} and said\n{outcome.said}"
    if example.output and not matches(example.output, outcome.said):
        return f"{shown}\nis what the page shows, but it said\n{outcome.said}"
    return ""


def pages_with_examples() -> Iterator[Path]:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        if examples(page.read_text(encoding="utf-8")):
            yield page.relative_to(ROOT)


@contextmanager
def shell_at(page: str) -> Iterator[list[str]]:
    """Lay out what the page asks for, and give the command of a shell there."""
    where = PLACE.search(page)
    assert where, "the page has examples and no comment that says where to run them"
    if where["net"] == "the lab":
        try:
            yield ["bash"]
        finally:
            run(["python", "-m", "labkit", "down"], timeout=PAGE_SECONDS)
        return
    with LAYOUTS[where["net"]]() as net:
        host = net.hosts[where["host"]]
        variables = [f"{name}={value}" for name, value in host.environment().items()]
        yield host.command("env", *variables, "bash")


def outcomes(shell: Sequence[str], found: Sequence[Example]) -> list[Outcome]:
    """Type the commands one after the other; give what each said."""
    typed = "".join(f"{example.command}\necho {END} $?\n" for example in found)
    done = run([*shell, "-c", f"exec 2>&1 </dev/null\n{typed}"], timeout=PAGE_SECONDS)
    parts = re.findall(rf"(.*?)^{END} (\d+)\n", done.stdout, re.DOTALL | re.MULTILINE)
    return [Outcome(said, int(status)) for said, status in parts]


@pytest.mark.kernel
@pytest.mark.timeout(2 * PAGE_SECONDS)
@pytest.mark.parametrize("name", sorted(pages_with_examples()), ids=str)
def test_a_page_tells_the_truth(name: Path) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    found = examples(page)

    with shell_at(page) as shell:
        happened = outcomes(shell, found)

    untrue = [objection(*pair) for pair in zip(found, happened, strict=True)]
    if any(untrue):
        pytest.fail("\n\n".join(filter(None, untrue)), pytrace=False)


def test_examples_are_read_with_their_output() -> None:
    page = (
        "text\n```console\n$ one \\\n  more\nsaid\n\nmore\n$ two\n```\n```text\n$ not this\n```\n"
    )

    assert examples(page) == [Example("one \\\n  more", "said\n\nmore"), Example("two", "")]


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("a   b", "a b\n"),
        ("took ... s", "took 0.3 s"),
        ("first\n...\nlast", "first\nlast"),
        ("first\n...\nlast", "first\nx\ny\nlast"),
    ],
)
def test_an_output_is_compared_loosely(shown: str, said: str) -> None:
    assert matches(shown, said)


@pytest.mark.parametrize(("shown", "said"), [("a", "b"), ("a", "a\nb"), ("a", ""), ("a.c", "abc")])
def test_another_output_is_told_apart(shown: str, said: str) -> None:
    assert not matches(shown, said)


@pytest.mark.parametrize(
    ("output", "status"), [("", 1), ("error: no", 0), ("error: no", 1), ("fine", 0)]
)
def test_an_untrue_example_is_objected_to(output: str, status: int) -> None:
    assert objection(Example("x", output), Outcome("error: yes", status))


def test_commands_of_a_page_share_a_shell_and_are_told_apart() -> None:
    found = [Example("n=5", ""), Example("echo $n; false", ""), Example("echo to stderr >&2", "")]

    assert outcomes(["bash"], found) == [
        Outcome("", 0),
        Outcome("5\n", 1),
        Outcome("to stderr\n", 0),
    ]
