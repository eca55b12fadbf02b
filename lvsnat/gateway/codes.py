"""The names of what can be wrong with a way back. They are for programs, too, and never change."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """One thing that can be wrong on a real server."""

    RS_GATEWAY = "RS_GATEWAY"
    """Where replies go, by the kernel's own answer."""
    RS_VIA = "RS_VIA"
    """The director cannot be where the wish says."""
    RS_RULES = "RS_RULES"
    """Somebody's routing rule is asked before."""
    RS_BYPASS = "RS_BYPASS"
    """A narrower route leads some clients' replies past the director."""
    RS_LOCAL_CLIENT = "RS_LOCAL_CLIENT"
    """A client in the servers' own network is answered directly."""
    RS_REDIRECTED = "RS_REDIRECTED"
    """A router's redirect has changed the way."""
    RS_REDIRECTS = "RS_REDIRECTS"
    """A router's redirect may change the way."""
    RS_ARP = "RS_ARP"
    """The director, as a neighbour."""
    RS_RP_FILTER = "RS_RP_FILTER"
    """The kernel drops what comes from the director."""
    RS_MANAGER = "RS_MANAGER"
    """A program that puts its own routes back."""
