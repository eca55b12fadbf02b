"""lvsnat doctor, lvsnat explain: why traffic does not flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import complete, output, words
from lvsnat.cli.context import Session
from lvsnat.cli.options import Output, OutputOption
from lvsnat.errors import ExitCode, LvsnatError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lvsnat.director.director import Director
    from lvsnat.ui.lines import Line

ServiceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="SERVICE",
        help="Look at this service alone, and at this host: its name or listener.",
        autocompletion=complete.services,
    ),
]
ProbeOption = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Also connect to each real server, from an address of this host and a foreign one.",
    ),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="CODE", help="Tell of this code alone.", autocompletion=complete.codes
    ),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option(
        "--skip", metavar="CODE", help="Do not tell of this code.", autocompletion=complete.codes
    ),
]
SecondsOption = Annotated[
    float | None,
    typer.Option(
        "--seconds",
        parser=words.parse_seconds,
        metavar="SECONDS",
        help="Between the two looks at connections and counters; 3, if not said.",
    ),
]
CodeArgument = Annotated[
    str | None,
    typer.Argument(metavar="CODE", help="All of them, if not said.", autocompletion=complete.codes),
]


def doctor(
    ctx: typer.Context,
    service: ServiceArgument = None,
    *,
    probe: ProbeOption = False,
    only: OnlyOption = None,
    skip: SkipOption = None,
    seconds: SecondsOption = None,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Find out why traffic does not flow, in the order in which a packet travels; change nothing.

    Exits with 1 where something is broken; a risk or a note is no reason.
    """
    from lvsnat.director.examine import SECONDS, Asked, examine
    from lvsnat.doctor.codes import parse_code
    from lvsnat.doctor.diagnose import diagnose
    from lvsnat.doctor.finding import Severity
    from lvsnat.ui import doctor as view

    wanted, unwanted = (frozenset(map(parse_code, codes or ())) for codes in (only, skip))
    director = Session.of(ctx).director()
    name = None if service is None else _named(director, service)
    facts = examine(director, Asked(name, probe, seconds or SECONDS))
    found = diagnose(facts, wanted, unwanted, name)
    if output_format is Output.TABLE:
        _draw(view.report_lines(found, facts.unread))
    else:
        probed = facts.probes is not None
        output.document(view.report_document(found, facts.unread, probed=probed), output_format)
    if any(one.severity is Severity.BROKEN for one in found):
        raise typer.Exit(ExitCode.FAILED)


def explain(code: CodeArgument = None) -> None:
    """Say what a code of 'lvsnat doctor' means, with an example; without CODE, list all of them."""
    from lvsnat.doctor.codes import TABLE, parse_code
    from lvsnat.ui import doctor as view

    if code is None:
        _draw(view.table_lines(TABLE.values()))
    else:
        _draw(view.entry_lines(TABLE[parse_code(code)]))


def _named(director: Director, service: str) -> str:
    """The name of a service; a configuration that cannot be read is the doctor's to tell."""
    try:
        director.config()
    except LvsnatError:
        return service
    return director.config().find(service).name


def _draw(lines: Iterable[Line]) -> None:
    from lvsnat.ui import theme
    from lvsnat.ui.tables import Lines

    theme.show(theme.result_console(), Lines([*lines]))
