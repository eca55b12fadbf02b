"""lvsnat doctor, lvsnat explain: why traffic does not flow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lvsnat.cli import bundling, complete, output, words
from lvsnat.cli.changing import Manner
from lvsnat.cli.context import Session
from lvsnat.cli.options import DryRunOption, NoWaitOption, Output, OutputOption, YesOption
from lvsnat.doctor.names import Group
from lvsnat.errors import ExitCode, LvsnatError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lvsnat.director.director import Director
    from lvsnat.director.examine import Asked
    from lvsnat.doctor.facts import Facts
    from lvsnat.doctor.finding import Finding
    from lvsnat.doctor.names import Code
    from lvsnat.ui.doctor import Ending
    from lvsnat.ui.jsonout import Document
    from lvsnat.ui.lines import Line

ServiceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="SERVICE",
        help="Look at this service alone, and at this host: its name or listener.",
        autocompletion=complete.doctored,
    ),
]
ProbeOption = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Also ask each real server, from an address of this host and from a foreign one.",
    ),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="CODE",
        help=f"Tell of this code alone, or of a group of them: {', '.join(Group)}.",
        autocompletion=complete.findings,
    ),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option(
        "--skip",
        metavar="CODE",
        help="Do not tell of this code, or of a group of them.",
        autocompletion=complete.findings,
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
FixOption = Annotated[
    bool,
    typer.Option(
        "--fix",
        help="Then repair what a plan of lvsnat repairs, once that was shown and confirmed.",
    ),
]
BundleOption = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        metavar="FILE",
        help="Also write a tar.gz for who is asked for help: facts, plan, logs, without secrets.",
    ),
]
CodeArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="CODE",
        help="It, or a group of them; all, if not said.",
        autocompletion=complete.findings,
    ),
]


def doctor(
    ctx: typer.Context,
    service: ServiceArgument = None,
    *,
    probe: ProbeOption = False,
    only: OnlyOption = None,
    skip: SkipOption = None,
    seconds: SecondsOption = None,
    bundle: BundleOption = None,
    fix: FixOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    no_wait: NoWaitOption = False,
    output_format: OutputOption = Output.TABLE,
) -> None:
    """Find out why traffic does not flow: the worst first, then in the order of a packet's way.

    Changes nothing, but for --fix. Exits with 1 where something is broken, with --fix where
    something still is, and where root would have seen more; a risk or a note is no reason. 'lvsnat
    doctor trace CLIENT SERVICE' follows one client's packet.
    """
    from lvsnat.doctor.finding import Severity

    if (yes or dry_run or no_wait) and not fix:
        raise UsageError("--yes, --dry-run and --no-wait are about --fix", "add --fix")
    if bundle is not None:
        bundling.refuse_hopeless(bundle)
    director = Session.of(ctx).director()
    asked = _asked(director, service, seconds, probe=probe, skip=skip)
    choice = _Choice(_codes(only), _codes(skip), asked.service)
    report = choice.report(director, asked, output_format)
    drawn = output_format is Output.TABLE
    if drawn:
        _show(report, only)
    if bundle is not None:
        bundling.write(bundle, director, report.facts)
    more: Document = {}
    if fix and report.found:
        from lvsnat.cli import fixing

        manner = Manner(dry_run, no_wait=no_wait, output=output_format)
        before = report.found
        repair = fixing.repair(director, before, manner, yes=yes)
        if repair.carried_out:
            report = choice.report(director, asked, output_format)
            if drawn:
                _show(report, only)
        more = {"fix": repair.document(before, report.found)}
    if not drawn:
        output.document({**report.document(), **more}, output_format)
    if report.denied or any(one.severity is Severity.BROKEN for one in report.found):
        raise typer.Exit(ExitCode.FAILED)


@dataclass(frozen=True, slots=True)
class _Report:
    """What was looked at, and what of it is to be told."""

    facts: Facts
    found: tuple[Finding, ...]
    untold: int
    """How many findings --only and --skip leave out."""

    @property
    def denied(self) -> bool:
        """Whether root would have seen more of this host."""
        return any(one.denied for one in self.facts.unread)

    def ending(self, only: Iterable[str] | None) -> Ending:
        from lvsnat.ui.doctor import Ending

        config = self.facts.config
        empty = config is not None and not config.services
        codes = [word.upper().replace("-", "_") for word in only or ()]
        return Ending(codes, self.untold, self.facts.own.config if empty else None)

    def document(self) -> Document:
        from lvsnat.ui.doctor import report_document

        probed = self.facts.probes is not None
        return report_document(self.found, self.facts.unread, probed=probed)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which findings are told."""

    only: frozenset[Code]
    skip: frozenset[Code]
    service: str | None

    def report(self, director: Director, asked: Asked, format_: Output) -> _Report:
        from lvsnat.director.examine import examine
        from lvsnat.doctor.diagnose import diagnose

        with output.looking(asked.seconds, format_):
            facts = examine(director, asked)
        found = diagnose(facts, self.only, self.skip, self.service)
        untold = len(diagnose(facts, service=self.service)) - len(found)
        return _Report(facts, found, untold)


def _show(report: _Report, only: Iterable[str] | None) -> None:
    from lvsnat.ui.doctor import report_lines

    _draw(report_lines(report.found, report.facts.unread, report.ending(only)))


def explain(code: CodeArgument = None) -> None:
    """Say what a code of 'lvsnat doctor' means, with an example; without CODE, list all of them."""
    from lvsnat.doctor.codes import TABLE, parse_code, parse_codes
    from lvsnat.ui import doctor as view

    if code is None or code.lower() in {*Group}:
        wanted = frozenset(TABLE) if code is None else parse_codes(code)
        _draw(view.table_lines(entry for each, entry in TABLE.items() if each in wanted))
    else:
        _draw(view.entry_lines(TABLE[parse_code(code)]))


def _codes(words: Iterable[str] | None) -> frozenset[Code]:
    from lvsnat.doctor.codes import parse_codes

    return frozenset(code for word in words or () for code in parse_codes(word))


def _asked(
    director: Director,
    service: str | None,
    seconds: float | None,
    *,
    probe: bool,
    skip: Iterable[str] | None,
) -> Asked:
    from lvsnat.director.examine import SECONDS, Asked
    from lvsnat.doctor.names import Code

    unwanted = _codes(skip)
    vpc = any(code.group is Group.AWS and code not in unwanted for code in Code)
    name = None if service is None else _named(director, service)
    return Asked(name, probe, seconds or SECONDS, vpc)


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
