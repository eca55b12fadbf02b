"""The check of each type; only those that are used are loaded, so that a small daemon stays so."""

from __future__ import annotations

from lvsnat.health.checks.check import Check
from lvsnat.health.values import Target
from lvsnat.model.health import CheckType


def prepare(target: Target) -> Check:
    """Make what asks this question. It opens nothing yet, and so cannot fail."""
    match target.check.type:
        case CheckType.TCP:
            from lvsnat.health.checks.tcp import TcpCheck

            return TcpCheck(target)
        case CheckType.HTTP | CheckType.HTTPS | CheckType.AGENT | CheckType.GRPC:
            from lvsnat.health.checks.stream import StreamCheck

            return StreamCheck(target)
        case CheckType.UDP | CheckType.DNS:
            from lvsnat.health.checks.datagram import DatagramCheck

            return DatagramCheck(target)
        case CheckType.PING:
            from lvsnat.health.checks.ping import PingCheck

            return PingCheck(target)
        case CheckType.EXEC:
            from lvsnat.health.checks.program import ProgramCheck

            return ProgramCheck(target)
        case CheckType.FILE:
            from lvsnat.health.checks.file import FileCheck

            return FileCheck(target)
