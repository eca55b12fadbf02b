"""The mode, and what it asks of the host."""

from __future__ import annotations

from unit.ui.drawing import drawn

from lvsnat.model.mode import Mode
from lvsnat.model.status import DirectorStatus, HostStatus, Sync
from lvsnat.ui.mode import mode_view

FORWARD, ADDRESS = "sysctl net.ipv4.ip_forward", "address 192.168.1.50"
ADDRESS_IS_THERE = HostStatus(ADDRESS, Sync.IN_SYNC, {"interface": "eth0"}, {"interface": "eth0"})
MEANING = "lvs-nat: the kernel's IPVS forwards TCP, UDP and SCTP to the real servers"


def lines(*host: HostStatus) -> list[str]:
    return drawn(*mode_view(DirectorStatus(Mode.LVS_NAT, host=host)), width=80).splitlines()


def test_a_host_in_sync_is_listed_with_its_settings() -> None:
    forward = HostStatus(FORWARD, Sync.IN_SYNC, {"value": "1"}, {"value": "1"})

    assert lines(ADDRESS_IS_THERE, forward) == [
        MEANING,
        "asks of this host, in sync:",
        "  in-sync  address 192.168.1.50  interface=eth0",
        "  in-sync  sysctl net.ipv4.ip_forward  value=1",
    ]


def test_what_differs_says_how() -> None:
    off = HostStatus(FORWARD, Sync.CHANGED, {"value": "1"}, {"value": "0"})
    absent = HostStatus("address 192.168.1.51", Sync.MISSING, {"interface": "eth0"})

    assert lines(ADDRESS_IS_THERE, off, absent)[1:] == [
        "asks of this host, and 2 of 3 differ:",
        "  in-sync  address 192.168.1.50  interface=eth0",
        "  changed  sysctl net.ipv4.ip_forward  value 0 → 1",
        "  missing  address 192.168.1.51  interface none → eth0",
    ]


def test_without_services_nothing_is_asked() -> None:
    assert lines() == [MEANING, "asks nothing of this host: no services yet"]
