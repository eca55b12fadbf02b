"""Options and arguments that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from lvsnat.cli import complete, words
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.service import Scheduler


class Output(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


ServiceArgument = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE",
        help="The service's name or listener: web, or tcp/192.168.1.50:80.",
        autocompletion=complete.services,
    ),
]
NewServerArgument = Annotated[
    Endpoint,
    typer.Argument(
        metavar="ADDR",
        parser=Endpoint.parse,
        help="The real server: 192.168.2.55:80, [2001:db8::55]:80.",
    ),
]
ServerArgument = Annotated[
    Endpoint,
    typer.Argument(
        metavar="ADDR",
        parser=Endpoint.parse,
        help="The real server: 192.168.2.55:80, [2001:db8::55]:80.",
        autocompletion=complete.servers,
    ),
]

SchedulerOption = Annotated[
    Scheduler | None,
    typer.Option(
        "--scheduler",
        parser=words.one_of(Scheduler, "a scheduler"),
        metavar="S",
        help="How a server is chosen: " + ", ".join(Scheduler) + ".",
        show_default=False,
    ),
]
FlagsOption = Annotated[
    str | None,
    typer.Option(
        "--sched-flags",
        metavar="F[,F]",
        help="Flags of the scheduler: sh-fallback, sh-port, mh-fallback, mh-port; or none.",
        autocompletion=complete.flags,
    ),
]
PersistentOption = Annotated[
    str | None,
    typer.Option(
        "--persistent",
        metavar="SECONDS[/PREFIX]",
        help="Send a returning client to the same server for so long: 300, 300/24; or none.",
    ),
]
CheckOption = Annotated[
    list[str] | None,
    typer.Option(
        "--check",
        metavar="CHECK",
        help="How it is found out who can serve: tcp, http:/path, https:/path, udp, dns:name, ping,"
        " grpc[:service], agent:port, file:/path; again for each further one; or none.",
        autocompletion=complete.checks,
    ),
]
OnFailOption = Annotated[
    str | None,
    typer.Option(
        "--on-fail",
        metavar="WORD",
        help="What becomes of a server that fails: drain (weight 0) or remove; or none, for the one"
        " that suits the service.",
        autocompletion=complete.failures,
    ),
]
QuorumOption = Annotated[
    int | None,
    typer.Option(
        "--quorum",
        parser=words.parse_servers,
        metavar="N",
        help="So many servers must be up; with fewer, the sorry server answers.",
    ),
]
HysteresisOption = Annotated[
    int | None,
    typer.Option(
        "--hysteresis",
        parser=words.parse_servers,
        metavar="N",
        help="A quorum is lost with so many fewer servers up, and back with so many more.",
    ),
]
MaxDownOption = Annotated[
    int | None,
    typer.Option(
        "--max-down",
        parser=words.parse_percent,
        metavar="PERCENT",
        help="Checks take out so much of the servers at most: 50%; 100% is no limit.",
    ),
]
WarmupOption = Annotated[
    int | None,
    typer.Option(
        "--warmup",
        parser=words.parse_duration,
        metavar="DURATION",
        help="A server that came back gains its weight in so long: 30s; 0 is at once.",
    ),
]
DampingOption = Annotated[
    int | None,
    typer.Option(
        "--damping",
        parser=words.parse_duration,
        metavar="DURATION",
        help="A server that went down three times in so long has to do better for longer; 0 is"
        " off.",
    ),
]
SorryOption = Annotated[
    str | None,
    typer.Option(
        "--sorry",
        metavar="ADDR",
        help="Who answers while fewer servers are up than the quorum: 192.168.2.99:80; or none.",
    ),
]
WeightOption = Annotated[
    int | None,
    typer.Option(
        "--weight",
        parser=words.parse_weight,
        metavar="N",
        help="Share of new connections; 0 takes no new ones.",
    ),
]
UpperOption = Annotated[
    int | None,
    typer.Option(
        "--upper",
        parser=words.parse_limit,
        metavar="N",
        help="No new connections from this many on; 0: no limit.",
    ),
]
LowerOption = Annotated[
    int | None,
    typer.Option(
        "--lower",
        parser=words.parse_limit,
        metavar="N",
        help="New connections again below this many; 0: three quarters of the upper limit.",
    ),
]

DeadlineOption = Annotated[
    int | None,
    typer.Option(
        "--deadline",
        parser=words.parse_duration,
        metavar="DURATION",
        help="Wait at most so long for connections to end: 90s, 2h; 5m if not said.",
    ),
]
NowOption = Annotated[
    bool, typer.Option("--now", help="Do not wait: cut the connections that there are.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Answer the question with yes.")]
FileArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[FILE]",
        help="A configuration that takes the place of the present one; '-' is standard input.",
        show_default=False,
    ),
]

DetachOption = Annotated[
    bool,
    typer.Option(
        "--detach",
        help="Of a switch of modes: return once new connections go to the new side; systemd"
        " finishes it.",
    ),
]
RevertOption = Annotated[
    bool, typer.Option("--revert", help="Take back a trial that was cut off (kill -9, a crash).")
]
KeepOption = Annotated[bool, typer.Option("--keep", help="Keep a trial that was cut off.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
]
AdoptOption = Annotated[
    bool,
    typer.Option("--adopt", help="Take over a service that somebody else made in the kernel."),
]
ForceOption = Annotated[
    bool,
    typer.Option("--force", help="Do it although the plan is unsafe; --dry-run names the risks."),
]
NoWaitOption = Annotated[
    bool,
    typer.Option("--no-wait", help="Give up at once while another lvsnat command is at work."),
]
OutputOption = Annotated[
    Output,
    typer.Option(
        "--output",
        "-o",
        parser=words.one_of(Output, "a format"),
        metavar="FORMAT",
        help="How to write the answer: table, json or yaml.",
    ),
]
