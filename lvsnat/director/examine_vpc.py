"""Whether the doctor looks at a VPC at all, and who is served in it. Never writes."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from lvsnat.errors import LvsnatError
from lvsnat.model.connection import Selection

if TYPE_CHECKING:
    from lvsnat.director.director import Director
    from lvsnat.doctor.facts import HostFacts
    from lvsnat.doctor.finding import Unread
    from lvsnat.doctor.vpc import VpcFacts
    from lvsnat.model.config import Config
    from lvsnat.model.endpoint import IPAddress

_MOST: Final = 200_000
"""Connections that are looked through."""
_CLIENTS: Final = 10_000
"""Clients that are held."""


def examine_vpc(
    director: Director, config: Config, host: HostFacts | None, unread: list[Unread]
) -> VpcFacts | None:
    """The VPC of a director on EC2, or of one whose configuration says that it has one.

    Whoever has nothing to do with AWS waits for nobody and loads nothing.
    """
    on_ec2 = host is not None and host.ec2
    if not config.services or (config.aws is None and not on_ec2):
        return None
    from lvsnat.doctor.look_vpc import look

    found, lacking = look(config, os.environ)
    unread += lacking
    return None if found is None else replace(found, clients=_clients(director))


def _clients(director: Director) -> frozenset[IPAddress]:
    found: set[IPAddress] = set()
    # That connections cannot be read is told with the services.
    with contextlib.suppress(LvsnatError):
        for one in islice(director.traffic().connections(Selection()), _MOST):
            found.add(one.client.address)
            if len(found) == _CLIENTS:
                break
    return frozenset(found)
