from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from lvsnat.ipvs.controls import (
    KernelInfo,
    SyncDaemon,
    SyncRole,
    decode_daemon,
    decode_info,
    decode_timeouts,
    encode_daemon,
    encode_timeouts,
)
from lvsnat.ipvs.uapi import Command
from lvsnat.model.config import Timeouts

TIMEOUTS = bytes.fromhex("0c0100000800040008070000080005001e000000080006003c000000")
DAEMON = bytes.fromhex(
    "090100004000030008000100010000000900020064756d3000000000080003000700000006000400c005"
    "00000600070090220000050008000100000008000500e0000051"
)
INFO = bytes.fromhex("0e01000008000100010201000800020000100000")


def test_timeouts_are_written_and_read_as_ipvsadm_does() -> None:
    assert encode_timeouts(Timeouts(1800, 30, 60)) == TIMEOUTS
    assert decode_timeouts(TIMEOUTS, 0, len(TIMEOUTS)) == Timeouts(1800, 30, 60)


def test_the_version_is_read() -> None:
    assert decode_info(INFO, 0, len(INFO)) == KernelInfo((1, 2, 1), 4096)


def test_a_daemon_is_read() -> None:
    assert decode_daemon(DAEMON, 0, len(DAEMON)) == SyncDaemon(
        SyncRole.MASTER, "dum0", 7, 1472, IPv4Address("224.0.0.81"), 8848, 1
    )


@pytest.mark.parametrize(
    "daemon",
    [
        SyncDaemon(SyncRole.BACKUP, "eth0"),
        SyncDaemon(SyncRole.MASTER, "vxlan7", 255, 1400, IPv6Address("ff02::51"), 9000, 8),
    ],
)
def test_a_daemon_survives_the_way_there_and_back(daemon: SyncDaemon) -> None:
    data = encode_daemon(Command.NEW_DAEMON, daemon)

    assert decode_daemon(data, 0, len(data)) == daemon


def test_to_stop_a_daemon_its_role_is_enough() -> None:
    data = encode_daemon(Command.DEL_DAEMON, SyncDaemon(SyncRole.BACKUP, ""))

    assert data.hex() == "0a0100000c0003800800010002000000"
