"""Which settings let a router teach this server another way. No I/O here."""

from __future__ import annotations

from lvsnat.model.endpoint import Family


def setting(family: Family, place: str, name: str) -> str:
    """A setting of an interface; a dot in its name is written as a slash, as in sysctl(8)."""
    return f"net.{family.label}.conf.{place.replace('.', '/')}.{name}"


def redirect_settings(family: Family, interface: str) -> tuple[str, ...]:
    """What must be off, so that no redirect is heeded.

    For IPv4 a host heeds ``all`` or the interface, whichever allows it (ip-sysctl.rst).
    """
    own = setting(family, interface, "accept_redirects")
    if family is Family.IPV6:
        return (own,)
    return (setting(family, "all", "accept_redirects"), own)
