"""lvsnat system: have this host start lvsnat at boot."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import output
from lvsnat.cli.context import Session
from lvsnat.cli.options import DryRunOption
from lvsnat.errors import UsageError

if TYPE_CHECKING:
    from lvsnat.director.install import Work
    from lvsnat.director.paths import Paths
    from lvsnat.director.units import ProxyService, Service

app = typer.Typer(help="This program on this host: start at boot.")

RootOption = Annotated[
    Path,
    typer.Option(
        "--root",
        metavar="DIR",
        help="Work below this folder, not on this host: for images and packages.",
        show_default=False,
    ),
]
ProgramOption = Annotated[
    Path | None,
    typer.Option(
        "--program",
        metavar="PATH",
        help="The lvsnat that the unit starts; this one where nothing is said.",
    ),
]


@app.command()
def install(
    ctx: typer.Context,
    *,
    root: RootOption = Path("/"),
    program: ProgramOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Have systemd apply the configuration at boot; write a first one where there is none.

    The kernel stays as it is, and so does what somebody changed.
    """
    from lvsnat.director import install as installer

    paths = _paths(ctx)
    place = installer.Place.below(root, paths.config)
    work = installer.installing(
        place, installer.look(place, root), _service(paths, program), _proxy(paths)
    )
    _carry_out(work, dry_run=dry_run)


@app.command()
def uninstall(
    ctx: typer.Context, *, root: RootOption = Path("/"), dry_run: DryRunOption = False
) -> None:
    """Undo 'lvsnat system install': what it wrote goes, unless somebody changed it.

    The kernel goes on serving; your configuration stays.
    """
    from lvsnat.director import install as installer

    place = installer.Place.below(root, _paths(ctx).config)
    _carry_out(installer.uninstalling(place, installer.look(place, root)), dry_run=dry_run)


def _paths(ctx: typer.Context) -> Paths:
    from lvsnat.director.paths import Paths

    return Paths.from_environment(os.environ, Session.of(ctx).config)


def _carry_out(work: Work, *, dry_run: bool) -> None:
    from lvsnat.director import install as installer

    if dry_run:
        for step in work.steps:
            output.text(f"{step.describe()}\n")
        output.talk("dry run: nothing was changed")
    else:
        installer.carry_out(work.steps, lambda step: output.text(f"{step.describe()}\n"))
        if not work.steps:
            output.talk("nothing to do")
    for note in work.notes:
        output.talk(f"note: {note}")


def _service(paths: Paths, program: Path | None) -> Service:
    from lvsnat.director.paths import Paths
    from lvsnat.director.units import Service

    if program is not None and not program.is_absolute():
        raise UsageError(f"{program} is not an absolute path", "systemd asks for one")
    usual = Paths.from_environment({})
    places: Mapping[str, tuple[Path, Path]] = {
        "LVSNAT_CONFIG": (paths.config, usual.config),
        "LVSNAT_STATE_DIR": (paths.state, usual.state),
        "LVSNAT_RUN_DIR": (paths.run, usual.run),
    }
    moved = {name: path.absolute() for name, (path, normal) in places.items() if path != normal}
    folders = [path.parent if name == "LVSNAT_CONFIG" else path for name, path in moved.items()]
    return Service(
        this_program() if program is None else (str(program),),
        {name: str(path) for name, path in moved.items()},
        folders,
    )


def _proxy(paths: Paths) -> ProxyService:
    from lvsnat.director.units import ProxyService
    from lvsnat.haproxy.process import Files, program

    files = Files(paths.haproxy_config.absolute(), paths.haproxy_run.absolute())
    found = program()
    return ProxyService(files) if found is None else ProxyService(files, found)


def this_program() -> tuple[str, ...]:
    """The words that start this very program from anywhere."""
    called = shutil.which(sys.argv[0])
    if called is not None and Path(called).name == "lvsnat":
        return (str(Path(called).absolute()),)
    return (sys.executable, "-m", "lvsnat")
