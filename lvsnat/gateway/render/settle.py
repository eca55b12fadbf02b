"""A wish, over what it meets on this server, as a way back to make persistent. No I/O here.

What the present configuration of the interface is called is read from what networkd and the kernel
say of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lvsnat.gateway.expand import METRIC, Made, expand, place_of
from lvsnat.gateway.render import ifcfg, netplan, networkd, networkmanager
from lvsnat.gateway.render.parts import Back, Device, Format, Rendering
from lvsnat.gateway.resources import Destination, ReplyRule, Route
from lvsnat.gateway.seen import FLOOR, MAIN, Ground
from lvsnat.gateway.ways import Hop
from lvsnat.gateway.wish import GatewayWish

_NETWORK_FILE = re.compile(r"^NETWORK_FILE=.*/([^/\n]+)$", re.MULTILINE)
_DEVTYPE = re.compile(r"^DEVTYPE=(\w+)$", re.MULTILINE)
_OF_NETPLAN = re.compile(r"10-netplan-(.+)\.network")
_DEVICES = {"bond": Device.BOND, "bridge": Device.BRIDGE, "vlan": Device.VLAN}


@dataclass(frozen=True, slots=True)
class Told:
    """What networkd and the kernel say of an interface; empty where they say nothing."""

    networkd: str = ""
    """/run/systemd/netif/links/INDEX."""
    uevent: str = ""
    """/sys/class/net/IF/uevent."""

    @property
    def network_file(self) -> str | None:
        """The file that networkd configures the interface by."""
        found = _NETWORK_FILE.search(self.networkd)
        return found[1] if found else None

    @property
    def definition(self) -> str | None:
        """What netplan calls the interface."""
        found = _OF_NETPLAN.fullmatch(self.network_file or "")
        return found[1] if found else None

    @property
    def device(self) -> Device:
        found = _DEVTYPE.search(self.uevent)
        return _DEVICES.get(found[1], Device.ETHERNET) if found else Device.ETHERNET

    def name(self, form: Format) -> str | None:
        """What a format calls the present configuration of the interface."""
        match form:
            case Format.NETWORKD:
                return self.network_file
            case Format.NETPLAN:
                return self.definition
            case _:
                return None


def settled(wish: GatewayWish, ground: Ground, made: Made) -> Back:
    """Settle a wish. Raises UsageError or RefusedError as ``expand`` does."""
    interface = place_of(wish, ground).interface
    if not wish.reply_ports:
        # Not what is best beside the present routes: those of the next boot may be others.
        default = Destination(wish.family, None, MAIN, METRIC)
        return Back(wish.via, interface, (Route(default, Hop(wish.via, interface)),))
    found = [*expand(wish, ground, made)]
    return Back(
        wish.via,
        interface,
        tuple(one for one in found if isinstance(one, Route)),
        tuple(one for one in found if isinstance(one, ReplyRule)),
    )


def overtaken(wish: GatewayWish, ground: Ground) -> str | None:
    """Why the default route would not count on this server; None if it would."""
    others = [one for one in ground.defaults() if one.way.via != wish.via]
    first = [one for one in others if one.metric in range(FLOOR[wish.family], METRIC)]
    if wish.reply_ports or not first:
        return None
    return (
        f"{first[0]!s} comes before it, with a metric below {METRIC}: take that route out of the"
        " server's configuration, or give it a metric of 100"
    )


def rendered(form: Format, back: Back) -> Rendering:
    """A settled way back in a format for a server that is there."""
    match form:
        case Format.NETPLAN:
            return netplan.render(back)
        case Format.NETWORKD:
            return networkd.render(back)
        case Format.NETWORKMANAGER:
            return networkmanager.render(back)
        case Format.IFCFG:
            return ifcfg.render(back)
        case Format.CLOUD_INIT:
            raise AssertionError(form)  # It is for a server that is not there yet.
