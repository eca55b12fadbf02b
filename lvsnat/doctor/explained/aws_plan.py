"""The codes of `lvsnat aws plan` alone: what a change would do to others. No I/O here.

The doctor never finds them: they are of what is to be, and not of what is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code

_REFUSED: Final = "it is refused"
_WARNED: Final = "it is a warning"
_ABOUT: Final = "rtb-0a1b2c3d 0.0.0.0/0"
_SAID: Final[tuple[tuple[Code, str, str, str, str, str], ...]] = (
    (
        Code.EIP_UNCLEAR, "An Elastic IP is asked for, and it is not clear for which VIP",
        "An Elastic IP stands for one IPv4 address, and the services have none or several.",
        "2 VIPs: 10.0.1.200, 10.0.1.201", "name the one that it is for: --vip", _REFUSED,
    ),
    (
        Code.EIP_MOVES, "An Elastic IP is taken from where it is",
        "Connections to it from outside are cut, and what had it loses it.",
        "eipalloc-0a1b2c3d stands for 10.0.1.9 of eni-0d1e2f3a, which loses it",
        "connections to it from outside are cut", _WARNED,
    ),
    (
        Code.SG_SHARED, "A security group has others in it, too",
        "A rule for the clients lets them in there as well.",
        "sg-0a1b2c3d is also the group of eni-0d1e2f3a, which lets the clients in, too",
        "give the director or the real servers a group of their own, if that is not meant",
        _WARNED,
    ),
    (
        Code.SG_UNKNOWN, "It cannot be said which rule of a security group is needed",
        "A firewall mark says no port, or nobody has a real server's address.",
        "web: a firewall mark says no port, so no rule is made", "let its clients in yourself",
        _WARNED,
    ),
    (
        Code.TARGET_UNKNOWN, "The target of a route could not be put back",
        "It is of a kind that AWS has made since.",
        f"{_ABOUT} leads to new-0a1b2c3d, which lvsnat could not put back",
        "remove this route yourself, and run the command again", _REFUSED,
    ),
    (
        Code.FOREIGN_TABLE, "The route table belongs to another account",
        "In a VPC that is shared, only its owner makes routes.",
        "rtb-0a1b2c3d belongs to the account 210987654321, not to 123456789012",
        "the owner of the shared VPC must make the routes", _REFUSED,
    ),
    (
        Code.SHARED_MAIN_TABLE, "The route table is the VPC's main one",
        "Every subnet without a table of its own uses it: their traffic moves, too.",
        "rtb-0a1b2c3d is the VPC's main table: the traffic of subnet-0d1e2f3a moves, too",
        "give the real servers' subnets a route table of their own, if that is not meant",
        _WARNED,
    ),
    (
        Code.SHARED_TABLE, "Other subnets use the route table, too",
        "Their traffic moves with that of the real servers.",
        "rtb-0a1b2c3d is shared: the traffic of subnet-0d1e2f3a moves, too",
        "give the real servers' subnets a route table of their own, if that is not meant",
        _WARNED,
    ),
    (
        Code.RS_EGRESS_MOVES, "The real servers' own internet traffic comes to the director",
        "A default route takes all of it: updates, queries, what the servers ask others.",
        "the own internet traffic of subnet-0d1e2f3a moves from nat-0a1b2c3d to this director",
        "give it an address to the outside there: egress in [host]; or name clients: --client",
        _WARNED,
    ),
    (
        Code.NAT_REPLACED, "A NAT gateway loses this traffic",
        "It stays, and goes on costing, because an undo needs it.",
        f"{_ABOUT} no longer leads to the NAT gateway nat-0a1b2c3d; no other route table uses it",
        "it stays, and costs as before: undo needs it", _WARNED,
    ),
    (
        Code.TARGET_REPLACED, "Another interface loses this traffic",
        "Another director, a firewall or a NAT instance, perhaps one that is still needed.",
        f"{_ABOUT} leads to eni-0d1e2f3a of i-0d1e2f3a, which loses this traffic",
        "see that it is no other director, firewall or NAT instance that is still needed",
        _WARNED,
    ),
    (
        Code.PROPAGATED_ROUTE, "A VPN's route for the same network is overruled",
        "A static route wins over a propagated one, which stays and serves again after an undo.",
        f"{_ABOUT} is propagated to vgw-0a1b2c3d: the new static route wins",
        "what used the propagated one goes to the director; undo lets it in again", _WARNED,
    ),
    (
        Code.UNDO_TAGS_FULL, "A route table has no room for the notes of an undo",
        "Tags on the table say where its routes led, for another machine.",
        "rtb-0a1b2c3d has as many tags as AWS allows: nobody can note there where 0.0.0.0/0 led",
        "the journal of this machine alone can undo it: keep that", _WARNED,
    ),
)  # fmt: skip
PLANNED: Final = frozenset(said[0] for said in _SAID)


def _entries() -> Iterator[Entry]:
    for code, title, text, seen, remedy, kind in _SAID:
        found = Finding(
            code, Severity.RISK, "what 'lvsnat aws apply' would do", seen, "that this is meant",
            "others than this director notice it", remedy,
        )  # fmt: skip
        yield Entry(title, f"{text} `lvsnat aws plan` says it, and {kind}.", found)


PLAN: Final = (*_entries(),)
