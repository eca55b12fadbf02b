"""A question of the DNS and its answer (RFC 1035), read by dnspython. No sockets here."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from lvsnat.health.checks.expecting import Expected
from lvsnat.health.checks.words import plain
from lvsnat.health.values import Answer
from lvsnat.model.health import HealthCheck


class DnsQuestion:
    """One question, with an id of chance that its answer must have."""

    def __init__(self, check: HealthCheck) -> None:
        self._expected = Expected.of(check)
        self._query = dns.message.make_query(check.name or ".", check.record)
        self.datagram = self._query.to_wire()

    def judge(self, datagram: bytes) -> Answer | None:
        """A datagram that has not our id may be anybody's, and is not looked at."""
        if datagram[:2] != self.datagram[:2]:
            return None
        try:
            message = dns.message.from_wire(datagram, ignore_trailing=True)
            return self._judge(message)
        except (dns.exception.DNSException, ValueError) as error:
            return Answer(ok=False, detail=plain(f"not an answer of the DNS: {error}"))

    def silent(self) -> Answer | None:
        return None

    def _judge(self, message: dns.message.Message) -> Answer | None:
        if not self._query.is_response(message):
            return None
        if message.rcode() != dns.rcode.NOERROR:
            return Answer(ok=False, detail=f"answered {dns.rcode.to_text(message.rcode())}")
        # The whole answer takes TCP; that there is one is what was asked.
        if message.flags & dns.flags.TC:
            return Answer(ok=True, detail="answered, truncated")
        text = "\n".join(rrset.to_text() for rrset in message.answer)
        if not self._expected.found(text.encode(), whole=True):
            return Answer(ok=False, detail=f"{self._expected} is not in the answer")
        count = sum(len(rrset) for rrset in message.answer)
        return Answer(ok=True, detail=f"answered, {count} record{'s' * (count != 1)}")
