"""Read and load nft tables with nft(8). Deciding is done elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from typing import cast

from lvsnat import system
from lvsnat.errors import LvsnatError
from lvsnat.host.expressions import FAMILY, NAME, Object
from lvsnat.host.rulewords import Json
from lvsnat.host.table import NftTable

_TABLE: Object = {"table": {"family": FAMILY, "name": NAME}}


def observe() -> NftTable | None:
    """Our table as it is now, whoever made it; None if there is none."""
    listed = _nft("-j", "list", "table", FAMILY, NAME)
    if listed.returncode == 0:
        return NftTable.of(_objects(listed))
    # It may be absent, or nft may not work at all: the list of all tables tells which.
    tables = _nft("-j", "list", "tables")
    names = [one.get("table") for one in _objects(_succeeded(tables, "list the nft tables"))]
    for table in names:
        if isinstance(table, dict) and (table.get("family"), table.get("name")) == (FAMILY, NAME):
            raise _refused(f"list the nft table {FAMILY} {NAME}", listed)
    return None


def create(table: NftTable) -> None:
    """Load a table where there is none; one that has come meanwhile is not touched."""
    _load([{"create": _TABLE}, *_additions(table)])


def replace(table: NftTable) -> None:
    """Put a table in the place of what is there, in one transaction: no packet sees neither."""
    _load([*_gone(), *_additions(table)])


def delete() -> None:
    """Take the table away; none being there is fine."""
    _load(_gone())


def check(table: NftTable) -> None:
    """Raise LvsnatError if this kernel or this nft refuses the table. Loads nothing."""
    _load([*_gone(), *_additions(table)], "--check")


def ruleset() -> list[Object]:
    """Everything that nft knows, iptables-nft's tables among it."""
    return _objects(_succeeded(_nft("-j", "list", "ruleset"), "list the nft rules"))


def installed() -> bool:
    return shutil.which("nft") is not None


def _gone() -> list[Object]:
    return [{"add": _TABLE}, {"delete": _TABLE}]


def _additions(table: NftTable) -> list[Object]:
    return [{"add": json.loads(one)} for one in table.objects]


def _load(commands: Iterable[Object], *options: str) -> None:
    text = json.dumps({"nftables": [*commands]})
    _succeeded(_nft("-j", *options, "-f", "-", stdin=text), f"load the nft table {FAMILY} {NAME}")


def _nft(*arguments: str, stdin: str | None = None) -> system.Completed:
    if not installed():
        raise LvsnatError(
            "the program nft is missing",
            "install the package nftables (apt install nftables, dnf install nftables); a"
            " configuration without lists of ports and egress, in the mode lvs-nat and with"
            " block_imds = false under [host], does without",
        )
    return system.run(["nft", *arguments], stdin=stdin)


def _succeeded(done: system.Completed, what: str) -> system.Completed:
    if done.returncode != 0:
        raise _refused(what, done)
    return done


def _refused(what: str, done: system.Completed) -> LvsnatError:
    said = done.stderr.strip() or done.stdout.strip()
    reason = said.splitlines()[0].removeprefix("Error: ") if said else "nft says nothing more"
    if "permitted" in said:
        hint = "run it as root (sudo); a container needs CAP_NET_ADMIN"
    elif "JSON" in said:
        hint = "install an nftables that was built with JSON (the distributions' own are)"
    else:
        hint = "'nft list ruleset' shows whether the kernel has nftables (nf_tables) at all"
    return LvsnatError(f"cannot {what}: {reason}", hint)


def _objects(done: system.Completed) -> list[Object]:
    try:
        listing: dict[str, Json] = json.loads(done.stdout)
        return cast("list[Object]", listing["nftables"])
    except (ValueError, KeyError) as error:
        raise LvsnatError(
            f"what nft lists cannot be read: {error}", "please report this with 'nft --version'"
        ) from None
