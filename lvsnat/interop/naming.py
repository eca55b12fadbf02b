"""Names for services that come from where services have none. The same listener, the same name."""

from __future__ import annotations

from collections.abc import Container

from lvsnat.model.endpoint import Family, KernelListener, MarkListener


def name_of(listen: KernelListener) -> str:
    """``tcp-192.168.1.50-80``, ``udp-2001-db8--50-53``, ``fwmark-7``, ``fwmark-7-ipv6``."""
    if isinstance(listen, MarkListener):
        suffix = "-ipv6" if listen.family is Family.IPV6 else ""
        return f"fwmark-{listen.mark}{suffix}"
    address = str(listen.endpoint.address).replace(":", "-")
    return f"{listen.protocol}-{address}-{listen.endpoint.port}"


def free_name(wanted: str, taken: Container[str]) -> str:
    """The wanted name, with a number behind it where another service has it."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
