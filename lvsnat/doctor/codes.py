"""What each code means: one table, for `lvsnat explain` and the reference. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.explained.haproxy import HAPROXY
from lvsnat.doctor.explained.host import HOST
from lvsnat.doctor.explained.own import OWN
from lvsnat.doctor.explained.rulesets import RULESETS
from lvsnat.doctor.explained.servers import SERVERS
from lvsnat.doctor.explained.services import SERVICES
from lvsnat.doctor.explained.settings import SETTINGS
from lvsnat.doctor.explained.transparent import TRANSPARENT
from lvsnat.doctor.explained.vpc import VPC
from lvsnat.doctor.explained.wires import WIRES
from lvsnat.doctor.names import Code, Group
from lvsnat.errors import UsageError

__all__ = ["TABLE", "Entry", "parse_code", "parse_codes"]

_ALL: Final = {
    one.code: one
    for one in (
        *VPC,
        *HOST,
        *HAPROXY,
        *TRANSPARENT,
        *WIRES,
        *RULESETS,
        *SETTINGS,
        *SERVICES,
        *SERVERS,
        *OWN,
    )
}
TABLE: Final[Mapping[Code, Entry]] = {code: _ALL[code] for code in Code}
"""In packet order."""


def parse_codes(text: str) -> frozenset[Code]:
    """Read a code, or the name of a group, which means all of its codes."""
    if text.lower() in {*Group}:
        return frozenset(code for code in Code if code.group == text.lower())
    return frozenset({parse_code(text)})


def parse_code(text: str) -> Code:
    """Read a code, in capitals or not, with hyphens or underscores."""
    wanted = text.upper().replace("-", "_")
    try:
        return Code(wanted)
    except ValueError:
        near = get_close_matches(wanted, list(Code), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "'lvsnat explain' lists all codes"
        raise UsageError(f"there is no code {text!r}", hint) from None
