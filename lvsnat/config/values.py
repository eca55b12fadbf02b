"""Read single values of lvsnat.toml, each refusal with its words and its hint.

Whether a value makes sense beside the others is judged by ``lvsnat.model.rules``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from ipaddress import IPv4Network, ip_network
from typing import NamedTuple, TypeVar, cast

from pydantic_core import PydanticCustomError

from lvsnat.errors import UsageError
from lvsnat.model.config import MASQUERADE, Egress, IPNetwork
from lvsnat.model.endpoint import Endpoint, parse_address
from lvsnat.model.health import HealthCheck, Statuses, parse_statuses

DURATION_PATTERN = "[0-9]{1,9}[smh]"
SPAN_PATTERN = "[0-9]{1,10}(?:ms|s|m|h)"
"""A duration that may be shorter than a second."""
SECONDS = {"s": 1, "m": 60, "h": 3600}

_DOTTED_MASKS = {str(IPv4Network(f"0.0.0.0/{n}").netmask): n for n in range(33)}
_DURATION = re.compile(DURATION_PATTERN)
_SPAN = re.compile(SPAN_PATTERN)
_PERCENT = re.compile("([0-9]{1,9})%?")
_PORT_ALONE = re.compile(":?[0-9]{1,5}")
_TYPE_WORDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a decimal number",
    str: "a string",
    list: "an array",
    dict: "a table",
}

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Netmask(NamedTuple):
    """How many bits of a client's address count, and how that was written."""

    prefix: int
    dotted: bool


def refusal(message: str, hint: str) -> PydanticCustomError:
    """Make an error that carries its own words through pydantic."""
    context = {"message": message, "hint": hint}
    return PydanticCustomError("lvsnat", "{message}", context)


def shown(value: object) -> str:
    """A value in TOML's words, cut where it is long."""
    if isinstance(value, dict | list):
        return _TYPE_WORDS[type(value)]
    text = repr(value) if isinstance(value, str) else str(value)
    text = text.lower() if isinstance(value, bool) else text
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - fits on a line


def mismatch(value: object, wanted: str) -> str:
    """Say that a value is of another type than the key."""
    word, what = _TYPE_WORDS.get(type(value), "a date or a time"), shown(value)
    return f"expected {wanted}, found {word if what == word else f'{word}: {what}'}"


def wrong_type(value: object, wanted: str) -> PydanticCustomError:
    return refusal(mismatch(value, wanted), "")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), None)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Name the word that was probably meant, or all that there are."""
    words = list(known)
    near = nearest(word, words)
    return f"did you mean {near!r}?" if near else f"known: {', '.join(words)}"


def reads(
    parse: Callable[[str], T], done: type[T] | tuple[type, ...], wanted: str
) -> Callable[[object], T]:
    """Make a validator of a parser of the model."""

    def read(value: object) -> T:
        if isinstance(value, done):
            return cast("T", value)
        if not isinstance(value, str):
            raise wrong_type(value, wanted)
        try:
            return parse(value)
        except UsageError as error:
            raise refusal(error.message, error.hint or "") from None

    return read


def one_of(words: type[E], noun: str) -> Callable[[object], E]:
    known = {word.value: word for word in words}

    def read(value: object) -> E:
        if not isinstance(value, str):
            raise wrong_type(value, f"{noun} as a string")
        if value not in known:
            raise refusal(f"{shown(value)} is not {noun}", suggestion(value, known))
        return known[value]

    return read


def read_duration(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise wrong_type(value, "seconds or a duration such as '5m'")
    if _DURATION.fullmatch(value) is None:
        raise refusal(
            f"{shown(value)} is not a duration",
            "write seconds as a number, or a string such as '300s', '5m' or '2h'",
        )
    return int(value[:-1]) * SECONDS[value[-1]]


def read_span(value: object) -> float:
    """Read a duration to the millisecond."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        raise wrong_type(value, "seconds or a duration such as '2s' or '500ms'")
    if _SPAN.fullmatch(value) is None:
        raise refusal(
            f"{shown(value)} is not a duration",
            "write seconds as a number, or a string such as '2s', '500ms' or '1m'",
        )
    if value.endswith("ms"):
        return int(value[:-2]) / 1000
    return float(int(value[:-1]) * SECONDS[value[-1]])


def read_statuses(value: object) -> Statuses:
    if isinstance(value, int) and not isinstance(value, bool):
        return ((value, value),)
    if not isinstance(value, str):
        raise wrong_type(value, "an HTTP status, or a string such as '200-299,301'")
    try:
        return parse_statuses(value)
    except UsageError as error:
        raise refusal(error.message, error.hint or "") from None


def read_netmask(value: object) -> Netmask:
    if isinstance(value, int) and not isinstance(value, bool):
        return Netmask(value, dotted=False)
    if not isinstance(value, str):
        raise wrong_type(value, "a prefix length or a mask such as '255.255.255.0'")
    prefix = _DOTTED_MASKS.get(value)
    if prefix is None:
        raise refusal(
            f"{shown(value)} is not a netmask",
            "write a prefix length such as 24 or 64, or an IPv4 mask such as '255.255.255.0'",
        )
    return Netmask(prefix, dotted=True)


def read_egress(value: object) -> Egress:
    if not isinstance(value, str):
        raise wrong_type(value, "an address as a string, or 'masquerade'")
    if value == MASQUERADE:
        return MASQUERADE
    try:
        return parse_address(value)
    except UsageError:
        raise refusal(
            f"{shown(value)} is neither an address nor 'masquerade'",
            "write an address of this director such as '192.168.1.50', or 'masquerade' for the one"
            " that its route to the destination has",
        ) from None


def read_network(value: object) -> IPNetwork:
    if not isinstance(value, str):
        raise wrong_type(value, "a network as a string")
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        hint = "write an address and a prefix length, such as '192.168.2.0/24'"
        raise refusal(f"{shown(value)} is not a network", hint) from None
    if str(network.network_address) != value.partition("/")[0]:
        hint = f"write '{network}' for the network, or a length of {network.max_prefixlen} for one"
        raise refusal(f"{shown(value)} is an address within a network", f"{hint} host")
    return network


def short_persistence(value: object) -> object:
    if isinstance(value, dict):
        return value
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return {"timeout": value}
    raise wrong_type(value, "seconds, a duration or a table such as { timeout = 300 }")


def short_check(value: object) -> object:
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise wrong_type(value, "a string such as 'http:/health', or a table")
    try:
        check = HealthCheck.parse(value)
    except UsageError as error:
        raise refusal(error.message, error.hint or "") from None
    usual = HealthCheck()
    said = {key: getattr(check, key) for key in ("path", "name", "port", "file")}
    given = {key: word for key, word in said.items() if word != getattr(usual, key)}
    return {"type": str(check.type), **given}


def several(value: object) -> object:
    """Make a list of what may also be written alone."""
    return value if isinstance(value, list) else [value]


def read_percent(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise wrong_type(value, "a number of per cent, or a string such as '50%'")
    found = _PERCENT.fullmatch(value)
    if found is None:
        raise refusal(f"{shown(value)} is not a share in per cent", "write 50 or '50%'")
    return int(found[1])


def read_part(value: object) -> float:
    """Read a part of one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise wrong_type(value, "a decimal number such as 0.1")


def read_place(value: object) -> Endpoint:
    """Read an address and a port to listen on; a port alone would not say who may ask."""
    if isinstance(value, Endpoint):
        return value
    port = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(port, str):
        raise wrong_type(value, "an address and a port as a string")
    if _PORT_ALONE.fullmatch(port):
        number = port.lstrip(":")
        raise refusal(
            f"{shown(value)} does not say on which address",
            f"write '127.0.0.1:{number}' for this machine alone, or '0.0.0.0:{number}' for all"
            " who can reach it",
        )
    return reads(Endpoint.parse, Endpoint, "an address and a port as a string")(port)
