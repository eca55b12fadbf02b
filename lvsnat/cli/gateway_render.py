"""lvsnat gateway render: the way back as files that make it again at every boot."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lvsnat.cli import output, words
from lvsnat.cli.context import Session
from lvsnat.cli.gateway_options import (
    InterfaceOption,
    LocalClientsOption,
    OptionalViaArgument,
    PriorityOption,
    ReplyOnlyOption,
    TableOption,
    wished,
)
from lvsnat.errors import RefusedError, UsageError
from lvsnat.gateway.wish import GatewayWish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lvsnat.gateway.record import Record
    from lvsnat.gateway.render.parts import File, Format, Rendering
    from lvsnat.gateway.render.settle import Told

_LINKS = Path("/run/systemd/netif/links")
_INTERFACES = Path("/sys/class/net")


def _format(text: str) -> Any:  # noqa: ANN401 - as every parser of Typer
    from lvsnat.gateway.render.parts import Format

    return words.one_of(Format, "a format")(text)


FormatOption = Annotated[
    Any,
    typer.Option(
        "--format",
        parser=_format,
        metavar="FORMAT",
        help="netplan, networkd, networkmanager, ifcfg or cloud-init.",
        show_default=False,
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="What the format calls the interface's present configuration; found, if not said.",
    ),
]
FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="DIR",
        help="Write the files below DIR, / for this server itself; to be read, if not said.",
    ),
]


def render(
    ctx: typer.Context,
    via: OptionalViaArgument = None,
    *,
    form: FormatOption,
    reply_only: ReplyOnlyOption = None,
    local_clients: LocalClientsOption = False,
    interface: InterfaceOption = None,
    table: TableOption = None,
    priority: PriorityOption = None,
    name: NameOption = None,
    folder: FolderOption = None,
) -> None:
    """Write the way back as files of whoever configures the network here; change nothing itself.

    Without VIA: the way back that 'lvsnat gateway set' has put in force.
    """
    record = _record(ctx)
    if via is None:
        if reply_only or local_clients or interface or (table, priority) != (None, None):
            raise UsageError(
                "the options are about a way back to VIA, and none is given",
                "name the director, or leave the options out for what 'lvsnat gateway set' made",
            )
        wishes = _in_force(record)
    else:
        wishes = [
            wished(
                via, reply_only, local_clients=local_clients, interface=interface, table=table,
                priority=priority,
            )
        ]  # fmt: skip
    _write([*_renderings(form, wishes, record, name)], folder)


def _record(ctx: typer.Context) -> Record:
    from lvsnat.director.paths import Paths
    from lvsnat.gateway.record import load

    return load(Paths.from_environment(os.environ, Session.of(ctx).config).gateway)


def _in_force(record: Record) -> list[GatewayWish]:
    wishes = [*(record.wishes or record.earlier).values()]
    if not wishes:
        raise UsageError(
            "no way back is in force here that could be rendered",
            "name the director: 'lvsnat gateway render VIA'; or set it first, 'lvsnat gateway set'",
        )
    return wishes


def _renderings(
    form: Format, wishes: Sequence[GatewayWish], record: Record, name: str | None
) -> list[Rendering]:
    from lvsnat.gateway.ground import ground_of
    from lvsnat.gateway.kernel import Kernel
    from lvsnat.gateway.render import cloudinit, settle
    from lvsnat.gateway.render.parts import Format

    if form is Format.CLOUD_INIT:
        return [cloudinit.render(wishes)]
    found = []
    with Kernel() as kernel:
        for wish in wishes:
            ground = ground_of(kernel, wish.family, wish.table)
            back = settle.settled(wish, ground, record.made)
            told = _told(back.interface)
            back = replace(back, name=name or told.name(form), device=told.device)
            rendering = settle.rendered(form, back)
            late = settle.overtaken(wish, ground)
            notes = (*rendering.notes, *([late] if late else []))
            found.append(replace(rendering, notes=notes))
    return found


def _told(interface: str) -> Told:
    from lvsnat.gateway.render.settle import Told
    from lvsnat.system import read_file

    index = 0
    with suppress(OSError):
        index = socket.if_nametoindex(interface)
    return Told(
        read_file(_LINKS / str(index)) or "", read_file(_INTERFACES / interface / "uevent") or ""
    )


def _write(renderings: Sequence[Rendering], folder: Path | None) -> None:
    files = [file for one in renderings for file in one.files]
    if folder is None:
        output.text("\n".join(map(_shown, files)))
    else:
        _write_below(folder, files)
    commands = dict.fromkeys(command for one in renderings for command in one.commands)
    if commands:
        output.talk("then run:")
        for command in commands:
            output.talk(f"  {command}")
    for note in dict.fromkeys(note for one in renderings for note in one.notes):
        output.talk(f"note: {note}")


def _shown(file: File) -> str:
    from lvsnat.gateway.render.cloudinit import PATH

    # User data begins with #cloud-config, or cloud-init takes it for something else.
    return file.text if file.path == PATH else f"# {file.path}\n{file.text}"


def _write_below(folder: Path, files: Sequence[File]) -> None:
    """Write all files, or none where one of them is somebody else's."""
    from lvsnat.gateway.render.parts import SIGNATURE
    from lvsnat.system import read_file, write_file

    places = [(folder / file.path.relative_to("/"), file) for file in files]
    old = {path: read_file(path) for path, _ in places}
    for path, text in old.items():
        if text is not None and SIGNATURE not in text:
            raise RefusedError(
                f"{path} is there already, and 'lvsnat gateway render' did not write it",
                "nothing was written: write elsewhere, and put the lines into that file by hand",
            )
    for path, file in places:
        if old[path] != file.text:
            write_file(path, file.text, file.mode)
            output.text(f"{'create' if old[path] is None else 'change'} {path}\n")
