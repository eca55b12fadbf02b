"""lvsnat import, lvsnat export: what other programs write and read."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import changing, output
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.given import STANDARD_INPUT, standard_input
from lvsnat.cli.options import (
    AdoptOption,
    DryRunOption,
    ForceOption,
    NoWaitOption,
    Output,
    OutputOption,
)
from lvsnat.errors import UsageError
from lvsnat.model.rules import NAME_PATTERN

if TYPE_CHECKING:
    from lvsnat.director.director import Director, Edit
    from lvsnat.interop.imported import Imported

importing = typer.Typer(help="Take over what another program has configured.")
exporting = typer.Typer(help="Write the services in the form of another program.")

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
ExportLiveOption = Annotated[
    bool, typer.Option("--live", help="Write the kernel's table, not the configuration.")
]
ThresholdsOption = Annotated[
    bool,
    typer.Option(
        "--with-thresholds/--without-thresholds",
        help="Write the servers' thresholds, which 'ipvsadm -Sn' forgets.",
    ),
]


@importing.command(name="ipvsadm")
def import_ipvsadm(
    ctx: typer.Context,
    file: FileArgument = None,
    *,
    live: LiveOption = False,
    name_prefix: PrefixOption = "",
    skip_unsupported: SkipOption = False,
    apply: ApplyOption = False,
    dry_run: DryRunOption = False,
    adopt: AdoptOption = False,
    force: ForceOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Merge ipvsadm's rules into the configuration; with --apply into the kernel, too.

    All lines are read before anything happens. A listener that the configuration has gets the
    imported settings and servers and keeps its name; what is not mentioned stays as it is.
    """
    from lvsnat.interop.merge import merge

    if (adopt or force) and not apply:
        raise UsageError("--adopt and --force say how to apply", "add --apply")
    _check_prefix(name_prefix)
    director = Session.of(ctx).director()
    imported = _imported(director, file, live=live, skip=skip_unsupported)
    held = director.overrides() if live else ()
    change = partial(merge, imported=imported, prefix=name_prefix, held=held)
    manner = Manner(dry_run, adopt, force, no_wait, output_format)
    if apply:
        changing.edit(ctx, change, manner)
    else:
        _draft(director, change, manner, live=live)


@exporting.command(name="ipvsadm")
def export_ipvsadm(
    ctx: typer.Context,
    *,
    live: ExportLiveOption = False,
    with_thresholds: ThresholdsOption = True,
) -> None:
    """Write the services as 'ipvsadm -Sn' does and 'ipvsadm -R' reads it."""
    from lvsnat.interop.ipvsadm.live import saved
    from lvsnat.interop.ipvsadm.printer import render
    from lvsnat.ipvs.resources import expand

    director = Session.of(ctx).director()
    if live:
        text = render(director.table(), saved(director.timeouts()), thresholds=with_thresholds)
    else:
        config = director.config()
        text = render(expand(config), config.ipvs.timeouts, thresholds=with_thresholds)
    output.text(text)


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


def _text(file: str) -> str:
    from lvsnat.system import read_file

    if file == STANDARD_INPUT:
        return standard_input()
    text = read_file(Path(file))
    if text is None:
        raise UsageError(f"{file}: there is no such file", "'ipvsadm -Sn > FILE' writes one")
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
