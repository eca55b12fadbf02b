"""Ask this host's routing about one packet and its replies. Sends nothing, changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from lvsnat.doctor.trace.journey import Lookups, Question
from lvsnat.host.routing import Routing


class Ask(Protocol):
    """One who answers: this module's ``ask``, or a test's own."""

    def __call__(self, question: Question) -> Lookups:
        """What the kernel would do; LvsnatError or OSError where it does not say."""
        ...


def ask(question: Question) -> Lookups:
    """The kernel's answers, as the network namespace of this thread has them."""
    with Routing() as routing:
        back = routing.lookup(question.client, origin=question.vip)
        if back.kind is None and question.vip is not None:  # The VIP may be nobody's.
            back = routing.lookup(question.client)
        found = Lookups(
            back=back,
            replies={
                server: routing.lookup(
                    question.client, origin=server, interface=interface, mark=question.mark
                )
                for server, interface in question.servers.items()
            },
        )
        arrival = question.arrival or back.interface
        if question.vip is None or arrival is None:
            return found
        incoming = routing.lookup(question.vip, origin=question.client, interface=arrival)
        return replace(found, incoming=incoming)
