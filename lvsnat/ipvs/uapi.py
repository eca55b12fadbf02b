"""The numbers of the kernel's linux/ip_vs.h."""

from __future__ import annotations

from enum import IntEnum

FAMILY_NAME = "IPVS"
VERSION = 1
HEADER_SIZE = 4


class Command(IntEnum):
    """``enum ipvs_cmd`` of linux/ip_vs.h."""

    NEW_SERVICE = 1
    SET_SERVICE = 2
    DEL_SERVICE = 3
    GET_SERVICE = 4
    NEW_DEST = 5
    SET_DEST = 6
    DEL_DEST = 7
    GET_DEST = 8
    NEW_DAEMON = 9
    DEL_DAEMON = 10
    GET_DAEMON = 11
    SET_CONFIG = 12
    GET_CONFIG = 13
    SET_INFO = 14
    GET_INFO = 15
    ZERO = 16


class Part:
    """``IPVS_CMD_ATTR_*``. Plain numbers: a look-up in an enum costs as much as the encoding."""

    SERVICE = 1
    DEST = 2
    DAEMON = 3
    TIMEOUT_TCP = 4
    TIMEOUT_TCP_FIN = 5
    TIMEOUT_UDP = 6


class ServiceAttribute:
    """``IPVS_SVC_ATTR_*``."""

    AF = 1
    PROTOCOL = 2
    ADDR = 3
    PORT = 4
    FWMARK = 5
    SCHED_NAME = 6
    FLAGS = 7
    TIMEOUT = 8
    NETMASK = 9
    STATS = 10
    PE_NAME = 11
    STATS64 = 12


class ServerAttribute:
    """``IPVS_DEST_ATTR_*``."""

    ADDR = 1
    PORT = 2
    FWD_METHOD = 3
    WEIGHT = 4
    U_THRESH = 5
    L_THRESH = 6
    ACTIVE_CONNS = 7
    INACT_CONNS = 8
    PERSIST_CONNS = 9
    STATS = 10
    ADDR_FAMILY = 11
    STATS64 = 12
    TUN_TYPE = 13
    TUN_PORT = 14
    TUN_FLAGS = 15


HEADERS = {command: bytes((command, VERSION, 0, 0)) for command in Command}
"""The generic netlink header of each command."""
