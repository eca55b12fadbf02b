"""The bytes that ipvsadm 1.31 sends, recorded on a 6.1 kernel, and what they mean."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from lvsnat.ipvs import wire
from lvsnat.ipvs.codec import (
    decode_server,
    decode_service,
    encode_key,
    encode_server,
    encode_service,
)
from lvsnat.ipvs.resources import Forwarding, IpvsServer, IpvsService, ServiceFlag
from lvsnat.ipvs.uapi import Command
from lvsnat.model.endpoint import Endpoint, parse_kernel_listener

WEB = IpvsService(parse_kernel_listener("tcp/10.7.0.1:80"), "rr")
WEB6 = IpvsService(
    parse_kernel_listener("tcp/[2001:db8:7::1]:80"), "wlc", int(ServiceFlag.PERSISTENT), 100, 64
)
MARK = IpvsService(parse_kernel_listener("fwmark/1"), "rr")

SERVICES = [
    (
        WEB,
        """010100005400018006000100020000000600020006000000140003000a070001000000000000000000000000
        060004000050000007000600727200000c00070000000000ffffffff080008000000000008000900ffffffff""",
    ),
    (
        WEB6,
        """0101000054000180060001000a00000006000200060000001400030020010db8000700000000000000000001
        060004000050000008000600776c63000c00070001000000ffffffff08000800640000000800090040000000""",
    ),
    (
        MARK,
        """01010000380001800600010002000000080005000100000007000600727200000c00070000000000ffffffff
        080008000000000008000900ffffffff""",
    ),
]

SERVER = IpvsServer(WEB.listen, Endpoint.parse("192.168.7.1:8080"), 7, 1000, 800)
SERVER_PART = """
    6000028006000b000200000014000100c0a80701000000000000000000000000060002001f90000008000300
    00000000080004000700000005000d000000000006000e000000000006000f000000000008000500e803000008000600
    20030000"""
WEB_KEY = (
    "3000018006000100020000000600020006000000140003000a070001000000000000000000000000"
    "0600040000500000"
)


@pytest.mark.parametrize(("service", "sample"), SERVICES, ids=["ipv4", "ipv6-persistent", "mark"])
def test_a_service_is_written_as_ipvsadm_writes_it(service: IpvsService, sample: str) -> None:
    assert encode_service(Command.NEW_SERVICE, service) == bytes.fromhex(sample)


def test_a_server_is_written_as_ipvsadm_writes_it() -> None:
    written = encode_server(Command.NEW_DEST, SERVER)

    assert written == bytes.fromhex("05010000" + WEB_KEY + SERVER_PART)


@pytest.mark.parametrize(("service", "sample"), SERVICES, ids=["ipv4", "ipv6-persistent", "mark"])
def test_a_service_is_read(service: IpvsService, sample: str) -> None:
    data = bytes.fromhex(sample)

    entry = decode_service(data, 0, len(data))

    assert entry is not None
    assert entry.service == service


def test_a_server_is_read() -> None:
    data = bytes.fromhex("05010000" + WEB_KEY + SERVER_PART)

    entry = decode_server(data, 0, len(data), WEB)

    assert entry.server == SERVER
    assert entry.server.owner == WEB.key


def test_the_question_for_servers_names_the_service_alone() -> None:
    assert encode_key(Command.GET_DEST, WEB.listen) == bytes.fromhex("08010000" + WEB_KEY)


def test_the_kernels_own_flag_is_not_configuration() -> None:
    hashed = IpvsService(WEB.listen, "rr", 0x2 | int(ServiceFlag.SCHEDULER_1))
    data = encode_service(Command.NEW_SERVICE, hashed)

    entry = decode_service(data, 0, len(data))

    assert entry is not None
    assert entry.service.flags == int(ServiceFlag.SCHEDULER_1)


def test_a_timeout_and_a_mask_without_persistence_mean_nothing() -> None:
    leftover = IpvsService(WEB.listen, "rr", timeout=300, prefix=24)
    data = encode_service(Command.NEW_SERVICE, leftover)

    entry = decode_service(data, 0, len(data))

    assert entry is not None
    assert entry.service == WEB


def test_a_mask_with_holes_survives() -> None:
    mask = IPv4Address("255.0.255.0")
    odd = IpvsService(WEB.listen, "rr", int(ServiceFlag.PERSISTENT), 60, mask)
    data = encode_service(Command.NEW_SERVICE, odd)

    entry = decode_service(data, 0, len(data))

    assert entry is not None
    assert entry.service == odd


def test_a_protocol_that_ipvs_does_not_balance_is_passed_over() -> None:
    data = encode_service(Command.NEW_SERVICE, WEB).replace(wire.u16(2, 6), wire.u16(2, 47))

    assert decode_service(data, 0, len(data)) is None


def test_a_server_of_an_old_kernel_has_its_services_family() -> None:
    data = encode_server(Command.NEW_DEST, SERVER)
    family = wire.u16(11, 2)
    at = data.rindex(family)
    old = wire.nest(2, data[at + len(family) :])
    start = data[:4] + old

    assert decode_server(start, 0, len(start), WEB).server == SERVER


def test_a_tunnel_made_by_hand_is_kept_whole() -> None:
    tunnel = IpvsServer(
        WEB.listen,
        SERVER.endpoint,
        forwarding=int(Forwarding.TUNNELLING),
        tunnel=(1, 0xE815, 0x100),
    )
    data = encode_server(Command.NEW_DEST, tunnel)

    assert decode_server(data, 0, len(data), WEB).server == tunnel


def test_a_missing_part_is_said() -> None:
    data = encode_service(Command.NEW_SERVICE, WEB)

    with pytest.raises(wire.UnreadableError, match="attribute 2 is missing"):
        decode_server(data, 0, len(data), WEB)


@pytest.mark.parametrize("data", ["05010000", "0501000002000280", "05010000ff000280"])
def test_a_reply_without_its_content_is_said(data: str) -> None:
    torn = bytes.fromhex(data)

    with pytest.raises(wire.UnreadableError, match="cannot be read"):
        decode_server(torn, 0, len(torn), WEB)
