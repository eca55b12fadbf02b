"""What is sent to a UDP server, and expected of it. Pure.

With nothing expected, silence is success: only an ICMP error says that nobody listens. A host that
is down, or a firewall that drops, cannot be told from a server that has nothing to say; expect an
answer, or add a ``ping``, where that matters.
"""

from __future__ import annotations

from lvsnat.health.checks.expecting import Expected
from lvsnat.health.values import Answer
from lvsnat.model.health import HealthCheck


class UdpQuestion:
    """One datagram of the operator's own words."""

    def __init__(self, check: HealthCheck) -> None:
        self._expected = Expected.of(check)
        self.datagram = (check.send or "").encode()

    def judge(self, datagram: bytes) -> Answer:
        if self._expected.found(datagram, whole=True):
            return Answer(ok=True, detail="answered")
        return Answer(ok=False, detail=f"{self._expected} is not in the answer")

    def silent(self) -> Answer | None:
        return None if self._expected else Answer(ok=True, detail="nothing says it is unreachable")
