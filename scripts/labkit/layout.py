"""The pictures as data: which hosts there are, on which segments, and who forwards to whom.

Pure: `topology` makes namespaces of it, `python -m labkit picture` shows the drawing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from labkit.errors import LabError

MOST_SERVERS = 100

DUAL_SUBNET = """\
  client               vpc                    director                  rs1, rs2, ...
+---------+     +----------------+     +--------------------+     +----------------------+
|   .10   |-----| .1          .1 |-----| .10            .10 |-----| .55, .56, ...        |
+---------+     +----------------+     | VIP .50            |     | default via .10      |
                                       +--------------------+     +----------------------+
  203.0.113.0/24        192.168.1.0/24 (public)      192.168.2.0/24 (private)
  2001:db8:c::/64       fd00:1::/64                  fd00:2::/64

  with --directors 2: the second is .11 on both; with --neighbour: a client at private .200
"""

SINGLE_SUBNET = """\
  client               vpc                     192.168.1.0/24, fd00:1::/64
+---------+     +----------------+     +---------------------------------------------+
|   .10   |-----| .1          .1 |-----|                  one bridge                 |
+---------+     +----------------+     +---------------------------------------------+
                                               |                        |
  203.0.113.0/24                        +-------------+      +----------------------+
  2001:db8:c::/64                       | .10         |      | .55, .56, ...        |
                                        | VIP .50     |      | default via .10      |
                                        +-------------+      +----------------------+
                                           director               rs1, rs2, ...

  with --directors 2: the second is .11; with --neighbour: a client at .200
"""


@dataclass(frozen=True, slots=True)
class Segment:
    """One wire, with a network of each family on it; hosts are told apart by their last number."""

    name: str
    prefix: str
    prefix6: str

    def address(self, number: int) -> str:
        """Give the IPv4 address of a host here."""
        return f"{self.prefix}{number}"

    def address6(self, number: int) -> str:
        """Give the IPv6 address of a host here; the number is written as in IPv4."""
        return f"{self.prefix6}{number}"


INTERNET = Segment("internet", "203.0.113.", "2001:db8:c::")
PUBLIC = Segment("public", "192.168.1.", "fd00:1::")
PRIVATE = Segment("private", "192.168.2.", "fd00:2::")

VIP = 50
CLIENT = 10
ROUTER = 1
DIRECTOR = 10
FIRST_SERVER = 55
NEIGHBOUR = 200


@dataclass(frozen=True, slots=True)
class Leg:
    """An interface: the segment that it is on, and its number there."""

    segment: Segment
    number: int


@dataclass(frozen=True, slots=True)
class Route:
    """The way to another segment, or with None to everywhere."""

    to: Segment | None
    via: Leg


@dataclass(frozen=True, slots=True)
class Machine:
    """A host to be: its interfaces are eth0, eth1, ... in the order of its legs."""

    name: str
    legs: tuple[Leg, ...]
    routes: tuple[Route, ...]
    forwards: bool = False


class Shape(StrEnum):
    """The two ways to lay out a director and its real servers."""

    DUAL_SUBNET = "dual-subnet"
    SINGLE_SUBNET = "single-subnet"


@dataclass(frozen=True, slots=True)
class Layout:
    """Which shape, and how much of it."""

    shape: Shape
    servers: int = 2
    directors: int = 1
    ipv6: bool = True
    neighbour: bool = False

    def __post_init__(self) -> None:
        """Refuse what the numbers of the picture have no room for."""
        if not 1 <= self.servers <= MOST_SERVERS or self.directors not in {1, 2}:
            msg = f"{self.servers} servers and {self.directors} directors"
            raise LabError(msg, hint=f"1 to {MOST_SERVERS} servers, 1 or 2 directors")

    @property
    def inner(self) -> Segment:
        """The segment of the real servers."""
        return PRIVATE if self.shape is Shape.DUAL_SUBNET else PUBLIC

    @property
    def gateway(self) -> Leg:
        """Where the real servers' default route goes: the first director."""
        return Leg(self.inner, DIRECTOR)

    def machines(self) -> list[Machine]:
        """List every host of the picture, from the client to the servers."""
        out = Route(None, Leg(PUBLIC, ROUTER))
        inwards = Route(PRIVATE, Leg(PUBLIC, DIRECTOR))
        back = Route(None, self.gateway)
        dual = self.shape is Shape.DUAL_SUBNET
        client = Machine("client", (Leg(INTERNET, CLIENT),), (Route(None, Leg(INTERNET, ROUTER)),))
        vpc = Machine(
            "vpc",
            (Leg(INTERNET, ROUTER), Leg(PUBLIC, ROUTER)),
            (inwards,) if dual else (),
            forwards=True,
        )
        legs = (PUBLIC, PRIVATE) if dual else (PUBLIC,)
        director = Machine("director", tuple(Leg(part, DIRECTOR) for part in legs), (out,))
        found = [client, vpc, director]
        if self.directors > 1:
            second = tuple(Leg(part, DIRECTOR + 1) for part in legs)
            found.append(replace(director, name="director2", legs=second))
        found += [
            Machine(f"rs{number + 1}", (Leg(self.inner, FIRST_SERVER + number),), (back,))
            for number in range(self.servers)
        ]
        if self.neighbour:
            found.append(Machine("neighbour", (Leg(self.inner, NEIGHBOUR),), (back,)))
        return found


def picture(shape: Shape) -> str:
    """Give the drawing of a shape."""
    return DUAL_SUBNET if shape is Shape.DUAL_SUBNET else SINGLE_SUBNET
