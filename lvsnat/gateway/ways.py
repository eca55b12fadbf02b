"""Where a route leads, as values and as words of ip-route(8). No I/O here.

Text forms, each the inverse of ``str``:

    via 192.168.1.50 dev eth0               a hop
    throw                                   ask the next routing rule
    via 192.168.1.1 dev eth0 proto 16 src 192.168.1.55 mtu 9001    a default route, whole
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Self

from lvsnat.errors import LvsnatError
from lvsnat.model.endpoint import IPAddress

STATIC: Final = 4
"""Who made a route: an administrator (linux/rtnetlink.h, RTPROT_STATIC)."""
PROTOCOLS: Final[Mapping[int, str]] = {
    2: "kernel", 3: "boot", STATIC: "static", 9: "ra", 16: "dhcp",
}  # fmt: skip
"""As ip(8) names them."""
_NUMBERS: Final = {name: number for number, name in PROTOCOLS.items()}
THROW: Final = "throw"


@dataclass(frozen=True, slots=True)
class Hop:
    """The next hop of a route; without one, the next routing rule is asked."""

    via: IPAddress | None
    interface: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``via 192.168.1.50 dev eth0`` or ``throw``."""
        words = text.split(" ")
        match words:
            case ["throw"]:
                return cls(None, "")
            case ["via", via, "dev", interface]:
                return cls(ip_address(via), interface)
            case _:
                raise _unreadable(text)

    def __str__(self) -> str:
        return THROW if self.via is None else f"via {self.via} dev {self.interface}"


@dataclass(frozen=True, slots=True)
class Way:
    """All that makes a default route what it is, so that it can be put back as it was."""

    via: IPAddress | None
    interface: str
    protocol: int = STATIC
    scope: int = 0
    source: IPAddress | None = None
    onlink: bool = False
    preference: int = 0
    """Of an IPv6 router (RFC 4191)."""
    limits: tuple[tuple[str, int], ...] = ()
    """``mtu``, ``advmss`` and their like (RTA_METRICS), by the names of ip(8)."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` writes; anything else is LvsnatError."""
        words = text.split(" ")
        try:
            known = dict(zip(words[::2], words[1::2], strict=True))
            via, source = known.pop("via", None), known.pop("src", None)
            maker = known.pop("proto")
            return cls(
                None if via is None else ip_address(via),
                known.pop("dev"),
                _NUMBERS[maker] if maker in _NUMBERS else int(maker),
                int(known.pop("scope", 0)),
                None if source is None else ip_address(source),
                bool(int(known.pop("onlink", 0))),
                int(known.pop("pref", 0)),
                tuple((name, int(value)) for name, value in known.items()),
            )
        except (KeyError, ValueError):
            raise _unreadable(text) from None

    @property
    def hop(self) -> Hop:
        return Hop(self.via, self.interface)

    def __str__(self) -> str:
        words = [f"via {self.via}"] if self.via is not None else []
        words += [f"dev {self.interface}", f"proto {PROTOCOLS.get(self.protocol, self.protocol)}"]
        words += [f"scope {self.scope}"] if self.scope else []
        words += [f"src {self.source}"] if self.source is not None else []
        words += ["onlink 1"] if self.onlink else []
        words += [f"pref {self.preference}"] if self.preference else []
        return " ".join([*words, *(f"{name} {value}" for name, value in self.limits)])


def _unreadable(text: str) -> LvsnatError:
    return LvsnatError(f"{text!r} is not a way that this version reads")
