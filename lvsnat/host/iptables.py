"""What iptables-save(8) says: marks, which nft does not tell of the rules that iptables made."""

from __future__ import annotations

import shutil

from lvsnat import system

_PROGRAMS = ("iptables-save", "ip6tables-save")


def saved() -> str:
    """All rules of iptables for both families; nothing where it is not installed."""
    present = [program for program in _PROGRAMS if shutil.which(program) is not None]
    return "".join(system.run([program]).stdout for program in present)
