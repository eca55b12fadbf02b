"""Who else uses the bits of the firewall mark that replies to HAProxy get. No I/O here.

nft lists its own rules; of those that iptables made it tells no marks, so ``iptables-save`` is read
for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lvsnat.host.firewall import Chain, Listing, chains_of
from lvsnat.host.rulewords import Json
from lvsnat.host.seen import EVERY_BIT

_MARK: Json = {"meta": {"key": "mark"}}
_OPTION = re.compile(r"--(?:set-x?mark|or-mark|mark) (0x[0-9a-f]+|\d+)(?:/(0x[0-9a-f]+|\d+))?")
_CHAIN = re.compile(r"-A (\S+) ")
_USERS = {
    "ts-": "Tailscale",
    "kube-": "Kubernetes",
    "cali-": "Calico",
    "cilium": "Cilium",
    "docker": "Docker",
    "wg-quick": "wg-quick",
}
"""How the names of chains and tables begin."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A rule that sets or asks for some bits."""

    user: str
    bits: int

    def __str__(self) -> str:
        return f"{self.user} ({self.bits:#x})"


def claims(listing: Listing, saved: str, mark: int) -> Iterator[Claim]:
    """The users of any of these bits; ``saved`` is what iptables-save and ip6tables-save say."""
    known = dict.fromkeys([*_of_nft(listing), *_of_iptables(saved)])
    return (claim for claim in known if claim.bits & mark)


def rewriters(listing: Listing, saved: str, mark: int) -> Iterator[str]:
    """The chains that take such a mark away again, before routing looks at it."""
    for chain in chains_of(listing).values():
        late = chain.hook == "prerouting" and chain.priority > _OURS
        if late and any(_loses(one, mark) for rule in chain.rules for one in _whatever(rule)):
            yield f"the nft chain {chain}"
    table = ""
    for line in saved.splitlines():
        table = line[1:] if line.startswith("*") else table
        found = re.search(r"--set-xmark (0x[0-9a-f]+)/(0x[0-9a-f]+)", line)
        if table == "mangle" and line.startswith("-A PREROUTING -j MARK") and found is not None:
            value, mask = (int(word, 16) for word in found.groups())
            if mark & mask & ~value:
                yield "the chain PREROUTING of iptables' table mangle"
        if table == "mangle" and line.startswith("-A PREROUTING -j CONNMARK --restore-mark"):
            yield "the chain PREROUTING of iptables' table mangle"


_OURS = -150


def _whatever(rule: Sequence[Json]) -> Sequence[Json]:
    """What a rule does to every packet: nothing, where it has a condition."""
    conditional = any(isinstance(one, dict) and one.keys() & {"match", "xt"} for one in rule)
    return [] if conditional else rule


def _loses(statement: Json, mark: int) -> bool:
    match statement:
        case {"mangle": {"key": {"meta": {"key": "mark"}}, "value": value}}:
            return mark & ~_kept(value) != 0
        case _:
            return False


def _kept(value: Json) -> int:
    """Which bits are sure to be set, or as they were, in a new mark."""
    match value:
        case int(number):
            return number
        case {"meta": {"key": "mark"}}:
            return EVERY_BIT
        case {"|": [left, right]}:
            return _kept(left) | _kept(right)
        case {"&": [left, right]}:
            return _kept(left) & _kept(right)
        case _:
            return 0


def _of_nft(listing: Listing) -> Iterator[Claim]:
    for chain in chains_of(listing).values():
        for rule in chain.rules:
            for one in rule:
                if bits := _asked(one) or _set(one):
                    yield Claim(_user(chain), bits)


def _asked(statement: Json) -> int:
    match statement:
        case {"match": {"left": {"&": [left, int(mask)]}}} if left == _MARK:
            return mask
        case {"match": {"left": left, "right": int(value)}} if left == _MARK:
            return value
        case _:
            return 0


def _set(statement: Json) -> int:
    match statement:
        case {"mangle": {"key": key, "value": int(value)}} if key == _MARK:
            return value
        case {"mangle": {"key": key, "value": {"|": [_, int(value)]}}} if key == _MARK:
            return value
        case _:
            return 0


def _of_iptables(saved: str) -> Iterator[Claim]:
    for line in saved.splitlines():
        chain = _CHAIN.match(line)
        for value, mask in _OPTION.findall(line) if chain is not None else ():
            bits = int(mask, 0) if mask else EVERY_BIT
            yield Claim(_named(chain[1], f"the chain {chain[1]} of iptables") if chain else "",
                        int(value, 0) if bits == EVERY_BIT else bits)  # fmt: skip


def _user(chain: Chain) -> str:
    return _named(chain.name, _named(chain.table, f"the nft chain {chain}"))


def _named(name: str, otherwise: str) -> str:
    known = (user for start, user in _USERS.items() if name.lower().startswith(start))
    return next(known, otherwise)
