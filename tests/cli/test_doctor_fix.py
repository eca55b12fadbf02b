"""lvsnat doctor --fix over a kernel that is a fake."""

from __future__ import annotations

import json
import re

from cli.commandline import CommandLine
from cli.test_documentation import DOCUMENTS

from lvsnat.errors import ExitCode
from lvsnat.model.resource import Key
from lvsnat.testing import FakeClock

SERVER = Key("server", "tcp/192.168.1.50:80 192.168.2.55:80")
SERVICE = Key("service", "tcp/192.168.1.50:80")


def ailing(web: CommandLine) -> CommandLine:
    """A server that somebody has removed, and a service beside it that is well."""
    web.clock = FakeClock()
    web.ok("service", "add", "dns", "udp/192.168.1.50:53", "--server", "192.168.2.55:53")
    del web.kernel.state[SERVER]
    return web


def test_what_differs_is_made_and_the_report_after_it_is_the_last(web: CommandLine) -> None:
    shown = ailing(web).ok("doctor", "--fix", "--yes")

    assert SERVER in web.kernel.state
    lines = shown.splitlines()
    assert lines[1] == "broken  NOT_APPLIED  web tcp/192.168.1.50:80"
    assert lines[-2:] == ["+ server 192.168.2.55:80 of tcp/192.168.1.50:80  weight=3",
                          "nothing found"]  # fmt: skip


def test_without_a_terminal_a_question_is_a_refusal(web: CommandLine) -> None:
    result = ailing(web)("doctor", "--fix")

    assert result.exit_code == ExitCode.REFUSED
    assert "NOT_APPLIED" in result.stdout
    assert SERVER not in web.kernel.state


def test_nothing_found_asks_nothing(web: CommandLine) -> None:
    web.clock = FakeClock()

    assert web.ok("doctor", "--fix") == "nothing found\n"


def test_a_dry_run_shows_the_plan_and_changes_nothing(web: CommandLine) -> None:
    result = ailing(web)("doctor", "--fix", "--dry-run")

    assert result.exit_code == ExitCode.FAILED
    assert "+ server 192.168.2.55:80" in result.stdout
    assert "dry run: nothing was changed" in result.stderr
    assert SERVER not in web.kernel.state


def test_only_what_is_told_of_is_repaired(web: CommandLine) -> None:
    ailing(web)
    del web.kernel.state[Key("service", "udp/192.168.1.50:53")]
    del web.kernel.state[Key("server", "udp/192.168.1.50:53 192.168.2.55:53")]

    web.ok("doctor", "web", "--fix", "--yes")

    assert SERVER in web.kernel.state
    assert Key("service", "udp/192.168.1.50:53") not in web.kernel.state
    result = web("doctor", "--fix", "--yes", "--skip", "not-applied")
    assert result.stdout == "nothing found; 1 other is not told\n"


def test_its_document_says_what_is_repaired(web: CommandLine) -> None:
    document = json.loads(ailing(web).ok("doctor", "--fix", "--yes", "-o", "json"))

    assert document["findings"] == []
    assert document["fix"]["repaired"] == ["NOT_APPLIED"]
    assert (document["fix"]["applied"], len(document["fix"]["changes"])) == (True, 1)
    words = set(re.findall(r"`[\w\[\].]*?(\w+)`", DOCUMENTS))
    assert {*document, *document["fix"]} - {"schema"} <= words


def test_what_is_unsafe_is_refused_and_nothing_changes(web: CommandLine) -> None:
    ailing(web)
    web.ok("apply")
    server = re.compile(r'\{ address = ("192.168.2.5\d:80")[^}]*\}')
    web.paths.config.write_text(server.sub(r"{ address = \1, weight = 0 }", web.config))
    before = dict(web.kernel.state)

    result = web("doctor", "--fix", "--yes")

    assert result.exit_code == ExitCode.REFUSED, result.output
    assert "'lvsnat apply --force' does it all the same" in result.stderr
    assert web.kernel.state == before


def test_what_no_plan_does_is_left_to_the_person(web: CommandLine) -> None:
    ailing(web)
    web.ok("apply")
    web.paths.config.chmod(0o666)

    result = web("doctor", "--fix")

    assert result.exit_code == ExitCode.DONE
    assert "FILE_MODE" in result.stdout
    assert "nothing of this is repaired by a plan of lvsnat" in result.stderr


def test_answers_are_about_fix(web: CommandLine) -> None:
    for option in ("--yes", "--dry-run", "--no-wait"):
        assert web("doctor", option).exit_code == ExitCode.USAGE
