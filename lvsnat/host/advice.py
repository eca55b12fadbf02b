"""Read what of others' making on this host matters to a configuration. Never writes."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from lvsnat.errors import LvsnatError
from lvsnat.host import forward, nft, returning, transparency
from lvsnat.host.expressions import FAMILY, NAME
from lvsnat.host.firewall import without
from lvsnat.host.iptables import saved
from lvsnat.host.netlink import Addresses
from lvsnat.host.routing import Routing
from lvsnat.host.sysctl import SysctlTree
from lvsnat.host.transparency import RP_FILTER, SRC_VALID_MARK, Facts, servers_of
from lvsnat.model.caution import Caution
from lvsnat.model.config import Config
from lvsnat.model.proxied import ipvs_services, proxied_services


def cautions(config: Config, sysctls: SysctlTree) -> Iterator[Caution]:
    """What would stop the traffic, or hide the clients."""
    # Without nft there may still be iptables' older kind; it is not looked at. And advice that is
    # not to be had stops no command.
    if ipvs_services(config) and nft.installed():
        with contextlib.suppress(LvsnatError):
            conntrack = sysctls.observe("net.ipv4.vs.conntrack")
            tracked = conntrack is not None and conntrack.value == "1"
            yield from forward.cautions(nft.ruleset(), config, tracked=tracked)
    if proxied_services(config) and nft.installed():
        with contextlib.suppress(LvsnatError):
            yield from transparency.cautions(config, _facts(config, sysctls))
        with contextlib.suppress(LvsnatError):
            yield from _lost_replies(config)


def _facts(config: Config, sysctls: SysctlTree) -> Facts:
    with Addresses() as addresses, Routing() as routing:
        return Facts(
            without(nft.ruleset(), FAMILY, NAME),
            saved(),
            tuple(addresses.assigned()),
            [name for _, name in socket.if_nameindex()],
            {one.address: routing.lookup(one.address) for one in servers_of(config)},
            {name: sysctls.everywhere(name) for name in (SRC_VALID_MARK, RP_FILTER)},
        )


def _lost_replies(config: Config) -> Iterator[Caution]:
    """One for each cause, with the first server that it meets."""
    told = set()
    for one in returning.answers(config):
        caution = transparency.lost_reply(one.server, one.interface, one.answer)
        if caution is not None and caution.hint not in told:
            told.add(caution.hint)
            yield caution
