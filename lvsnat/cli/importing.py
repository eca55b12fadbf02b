"""lvsnat import: what other programs were told, merged into the configuration."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import changing, output
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.gathered import gathered
from lvsnat.cli.given import STANDARD_INPUT, standard_input
from lvsnat.cli.options import (
    Output,
)
from lvsnat.errors import UsageError
from lvsnat.model.endpoint import Family, IPAddress, parse_address
from lvsnat.model.mode import Mode
from lvsnat.model.rules import NAME_PATTERN

if TYPE_CHECKING:
    from lvsnat.director.director import Director, Edit
    from lvsnat.interop.imported import Imported

app = typer.Typer(help="Take over what another program has configured.")

FileArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[FILE]",
        help="What 'ipvsadm -Sn' has written; '-' is standard input.",
        show_default=False,
    ),
]
LiveOption = Annotated[bool, typer.Option("--live", help="Read the kernel's table, not a file.")]
PrefixOption = Annotated[
    str,
    typer.Option(
        "--name-prefix",
        metavar="PREFIX",
        help="Put this before the names of new services: old-tcp-192.168.1.50-80.",
        show_default=False,
    ),
]
SkipOption = Annotated[
    bool, typer.Option("--skip-unsupported", help="Leave out what lvsnat does not do.")
]
ApplyOption = Annotated[
    bool, typer.Option("--apply", help="Make it so in the kernel, too, at once.")
]
VipOption = Annotated[
    list[str] | None,
    typer.Option(
        "--vip",
        metavar="ADDRESS",
        help="Listen here where the file says '*': one IPv4 and one IPv6 address at most.",
        show_default=False,
    ),
]
HaproxyFileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="A haproxy.cfg; '-' is standard input.")
]


@app.command(name="ipvsadm")
@gathered
def import_ipvsadm(
    ctx: typer.Context,
    file: FileArgument = None,
    *,
    live: LiveOption = False,
    name_prefix: PrefixOption = "",
    skip_unsupported: SkipOption = False,
    apply: ApplyOption = False,
    manner: Manner,
) -> None:
    """Merge ipvsadm's rules into the configuration; with --apply into the kernel, too.

    All lines are read before anything happens. A listener that the configuration has gets the
    imported settings and servers and keeps its name; what is not mentioned stays as it is.
    """
    from lvsnat.interop.merge import merge

    if (manner.adopt or manner.force) and not apply:
        raise UsageError("--adopt and --force say how to apply", "add --apply")
    _check_prefix(name_prefix)
    director = Session.of(ctx).director()
    imported = _imported(director, file, live=live, skip=skip_unsupported)
    held = director.overrides() if live else ()
    change = partial(merge, imported=imported, prefix=name_prefix, held=held)
    if apply:
        changing.edit(ctx, change, manner)
    else:
        _draft(director, change, manner, live=live)


@app.command(name="haproxy")
@gathered
def import_haproxy(
    ctx: typer.Context,
    file: HaproxyFileArgument,
    *,
    vip: VipOption = None,
    name_prefix: PrefixOption = "",
    skip_unsupported: SkipOption = False,
    apply: ApplyOption = False,
    manner: Manner,
) -> None:
    """Merge an old haproxy.cfg into the configuration; with --apply it is served at once.

    Every line that is not taken is named, with what becomes of it. The mode stays as it is:
    'lvsnat mode haproxy-tproxy' serves the services by a transparent HAProxy.
    """
    from lvsnat.interop.haproxy.reader import read
    from lvsnat.interop.imported import settle
    from lvsnat.interop.merge import merge

    if (manner.adopt or manner.force) and not apply:
        raise UsageError("--adopt and --force say how to apply", "add --apply")
    _check_prefix(name_prefix)
    director = Session.of(ctx).director()
    source = "standard input" if file == STANDARD_INPUT else file
    imported = read(_text(file, "name an haproxy.cfg, or '-'"), _vips(vip or []))
    skipped = settle(imported, source, skip=skip_unsupported)
    for note in imported.notes:
        output.talk(f"note: {note.sentence(source)}")
    for sentence in skipped:
        output.talk(f"skipped: {sentence}")
    if not imported.services:
        raise UsageError(
            f"{source}: there is no service in it", "a 'listen' or a 'frontend' with 'bind' is one"
        )
    change = partial(merge, imported=imported, prefix=name_prefix)
    if apply:
        changing.edit(ctx, change, manner)
    else:
        _draft(director, change, manner, live=False)
    if director.config().mode is Mode.LVS_NAT:
        output.talk("'lvsnat mode haproxy-tproxy' serves it by a transparent HAProxy")


def _imported(director: Director, file: str | None, *, live: bool, skip: bool) -> Imported:
    """Read everything, and insist that all of it can be taken."""
    from lvsnat.interop.imported import settle
    from lvsnat.interop.ipvsadm.live import read_table
    from lvsnat.interop.ipvsadm.reader import read
    from lvsnat.system import port_number

    if live == (file is not None):
        raise UsageError("name a file or --live, one of them", "'-' reads standard input")
    if file is None:
        source = None
        imported = read_table(director.table(), director.timeouts())
    else:
        source = "standard input" if file == STANDARD_INPUT else file
        imported = read(_text(file), port_number)
    for sentence in settle(imported, source, skip=skip):
        output.talk(f"skipped: {sentence}")
    if not imported.thresholds and any(service.servers for service in imported.services):
        output.talk(
            "note: the rules have no thresholds: 'ipvsadm -S' does not write them,"
            " and --live reads them from the kernel"
        )
    return imported


def _vips(addresses: list[str]) -> dict[Family, IPAddress]:
    """What stands for every address of a family."""
    vips: dict[Family, IPAddress] = {}
    for text in addresses:
        address = parse_address(text)
        family = Family.of(address)
        if family in vips:
            raise UsageError(
                f"--vip has two addresses of {family.label}: {vips[family]} and {address}",
                "every address can be one VIP: write the others in the file",
            )
        vips[family] = address
    return vips


def _text(file: str, hint: str = "'ipvsadm -Sn > FILE' writes one") -> str:
    from lvsnat.system import read_file

    if file == STANDARD_INPUT:
        return standard_input()
    text = read_file(Path(file))
    if text is None:
        raise UsageError(f"{file}: there is no such file", hint)
    return text


def _check_prefix(prefix: str) -> None:
    if prefix and re.fullmatch(NAME_PATTERN, prefix) is None:
        raise UsageError(
            f"{prefix!r} cannot begin a name",
            "use letters, digits, '.', '_' and '-', the first a letter or a digit",
        )


def _draft(director: Director, change: Edit, manner: Manner, *, live: bool) -> None:
    """Write the configuration alone, or show what would be written."""
    with director.drafting(change, wait=not manner.no_wait) as draft:
        if draft.plan or manner.output is not Output.TABLE:
            output.plan(draft.plan, (), manner.output)
        if not draft.edited:
            output.talk("the configuration says so already: nothing was changed")
            return
        if manner.dry_run:
            output.talk("dry run: nothing was changed")
            return
        draft.write()
    output.talk(f"{draft.path} written; the kernel is as it was")
    adopt = " --adopt" if live else ""
    output.talk(f"'lvsnat apply{adopt}' makes it so; with --dry-run it shows what that changes")
