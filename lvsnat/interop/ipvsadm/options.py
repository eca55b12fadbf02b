"""One line of ipvsadm's text to its command and options, in every spelling of ipvsadm(8).

    -A -t 192.168.1.50:80 -s rr -p        --add-service --tcp-service=192.168.1.50:80 --persistent
    -At 192.168.1.50:80 -srr -p300        ipvsadm -A -t 192.168.1.50:80   # with a comment

What the values mean is not known here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

from lvsnat.errors import UsageError

HINT = "ipvsadm(8) describes the lines of a rules file; 'ipvsadm -Sn' writes one"
TUNNEL_OPTIONS = ("tun-type", "tun-port", "tun-nocsum", "tun-csum", "tun-remcsum")
SERVICE_OPTIONS = ("tcp-service", "udp-service", "sctp-service", "fwmark-service", "ipv6")


class Takes(Enum):
    """Whether a value follows an option."""

    NOTHING = 0
    VALUE = 1
    PERHAPS = 2


@dataclass(frozen=True, slots=True)
class Option:
    """A word that begins with a dash."""

    name: str
    letter: str = ""
    takes: Takes = Takes.NOTHING

    def __str__(self) -> str:
        return f"-{self.letter}" if self.letter else f"--{self.name}"


COMMANDS = tuple(
    Option(name, letter)
    for name, letter in {
        "add-service": "A", "edit-service": "E", "delete-service": "D", "clear": "C",
        "restore": "R", "save": "S", "add-server": "a", "edit-server": "e", "delete-server": "d",
        "list": "L", "zero": "Z", "set": "", "start-daemon": "", "stop-daemon": "",
    }.items()
)  # fmt: skip
_OPTIONS = (
    Option("tcp-service", "t", Takes.VALUE),
    Option("udp-service", "u", Takes.VALUE),
    Option("sctp-service", "", Takes.VALUE),
    Option("fwmark-service", "f", Takes.VALUE),
    Option("ipv6", "6"),
    Option("scheduler", "s", Takes.VALUE),
    Option("persistent", "p", Takes.PERHAPS),
    Option("netmask", "M", Takes.VALUE),
    Option("ops", "o"),
    Option("sched-flags", "b", Takes.VALUE),
    Option("pe", "", Takes.VALUE),
    Option("real-server", "r", Takes.VALUE),
    Option("masquerading", "m"),
    Option("gatewaying", "g"),
    Option("ipip", "i"),
    Option("weight", "w", Takes.VALUE),
    Option("u-threshold", "x", Takes.VALUE),
    Option("l-threshold", "y", Takes.VALUE),
    Option("tun-type", "", Takes.VALUE),
    Option("tun-port", "", Takes.VALUE),
    Option("tun-nocsum"),
    Option("tun-csum"),
    Option("tun-remcsum"),
)
OPTIONS = {option.name: option for option in (*COMMANDS, *_OPTIONS)}
_LETTERS = {option.letter: option for option in OPTIONS.values() if option.letter} | {
    "l": OPTIONS["list"]
}

_ACCEPTED = {
    "add-service": {
        *SERVICE_OPTIONS, "scheduler", "persistent", "netmask", "ops", "sched-flags", "pe",
    },
    "add-server": {
        *SERVICE_OPTIONS, "real-server", "masquerading", "gatewaying", "ipip", "weight",
        "u-threshold", "l-threshold", *TUNNEL_OPTIONS,
    },
    "set": set[str](),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A line that says something."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A line taken apart: the command, its options by their long names, and what is no option."""

    name: str
    given: Mapping[str, str] = field(default_factory=dict)
    """An option without a value has the empty one."""
    arguments: tuple[str, ...] = ()


def lines_of(text: str) -> Iterator[Line]:
    """The lines that say something: neither blank nor a comment."""
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield Line(number, stripped)


def parse_line(text: str) -> Command:
    """Take a line apart. Raises UsageError for what ipvsadm would not understand either."""
    words = _words(text)
    if words and PurePosixPath(words[0]).name == "ipvsadm":
        words = words[1:]
    names: list[str] = []
    given: dict[str, str] = {}
    arguments: list[str] = []
    for option, value in _options(words):
        if option is None:
            arguments.append(value)
        elif option in COMMANDS:
            names.append(option.name)
        elif option.name in given:
            raise UsageError(f"{option} is given twice", "say it once")
        else:
            given[option.name] = value
    if len(names) != 1:
        what = "no command" if not names else f"{len(names)} commands"
        raise UsageError(f"{what} on this line", f"a line has one, -A or -a mostly; {HINT}")
    command = Command(names[0], given, tuple(arguments))
    _check(command)
    return command


def _words(text: str) -> list[str]:
    if not any(special in text for special in "\"'\\#"):
        return text.split()  # twenty times as fast, and what a program has written
    try:
        return shlex.split(text, comments=True)
    except ValueError as error:
        raise UsageError(f"not a command line: {error}", HINT) from None


def _check(command: Command) -> None:
    """Refuse options and words that do not belong to the command, where it is one we carry out."""
    accepted = _ACCEPTED.get(command.name)
    if accepted is None:
        return
    for name in command.given:
        if name not in accepted:
            verb = OPTIONS[command.name]
            raise UsageError(f"{OPTIONS[name]} is not an option of {verb}", HINT)
    if command.arguments and command.name != "set":
        raise UsageError(f"unexpected word {command.arguments[0]!r}", HINT)


def _options(words: Sequence[str]) -> Iterator[tuple[Option | None, str]]:
    """Options with their values; a word that is no option comes with None."""
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            option = OPTIONS.get(name)
            if option is None:
                raise _unknown(f"--{name}")
            yield option, _value(option, value if equals else None, rest)
        elif word.startswith("-") and len(word) > 1:
            yield from _letters(word[1:], rest)
        else:
            yield None, word


def _letters(letters: str, rest: list[str]) -> Iterator[tuple[Option, str]]:
    """The options of ``-At`` or ``-srr``: the first that takes a value takes what is left."""
    while letters:
        option = _LETTERS.get(letters[0])
        if option is None:
            raise _unknown(f"-{letters[0]}")
        letters = letters[1:]
        if option.takes is Takes.NOTHING:
            yield option, ""
            continue
        yield option, _value(option, letters.removeprefix("=") if letters else None, rest)
        return


def _value(option: Option, attached: str | None, rest: list[str]) -> str:
    if option.takes is Takes.NOTHING:
        if attached is not None:
            raise UsageError(f"{option} takes no value", HINT)
        return ""
    if attached is not None:
        return attached
    # A mark of 2**31 or more is written as a negative number by ipvsadm 1.31.
    negative = option.name == "fwmark-service"
    if rest and (negative or not rest[-1].startswith("-")):
        return rest.pop()
    if option.takes is Takes.PERHAPS:
        return ""
    raise UsageError(f"{option} needs a value", HINT)


def _unknown(word: str) -> UsageError:
    return UsageError(f"ipvsadm has no option {word} for a line of rules", HINT)
