"""What IPVS has, of somebody else, where HAProxy is to listen: IPVS would go first, silently."""

from __future__ import annotations

from lvsnat.director.transaction import Transaction
from lvsnat.errors import RefusedError
from lvsnat.ipvs.resources import SERVICE_KIND
from lvsnat.model.config import Config
from lvsnat.model.marks import kernel_listeners
from lvsnat.model.proxied import proxied_services


def refuse_shadows(whole: Transaction, config: Config) -> None:
    """Raise RefusedError if a stranger stands before a service that HAProxy has in this phase.

    ``whole`` is all that differs from this configuration, strangers included.
    """
    listeners = kernel_listeners(config.services)
    proxied = {str(listeners[one.listen]) for one in proxied_services(config)}
    shadows = [
        resource.describe()
        for resource in whole.plan.unmanaged
        if resource.key.kind == SERVICE_KIND and resource.key.name in proxied
    ]
    if shadows and not config.phase.ipvs:
        raise RefusedError(
            f"made by somebody else: {', '.join(shadows)}: IPVS would go on taking the connections"
            " that HAProxy is to get",
            "in the mode lvs-nat 'lvsnat apply --adopt' takes it over; 'ipvsadm -D' removes it",
        )
