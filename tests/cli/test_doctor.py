"""lvsnat doctor and lvsnat explain."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import yaml
from cli.commandline import CommandLine
from cli.test_documentation import DOCUMENTS
from unit.doctor.patients import HOST

from lvsnat.doctor.facts import HostFacts
from lvsnat.doctor.finding import Unread
from lvsnat.doctor.names import Code, Group
from lvsnat.errors import ExitCode, LvsnatError
from lvsnat.model.config import Config
from lvsnat.model.resource import Key
from lvsnat.testing import FakeClock

FORWARD = "net.ipv4.ip_forward"
KEY = Key("server", "tcp/192.168.1.50:80 192.168.2.55:80")


def ill(config: Config) -> tuple[HostFacts, tuple[Unread, ...]]:
    """A host that does not forward, and whose firewall cannot be read."""
    del config
    host = replace(HOST, settings={**HOST.settings, FORWARD: "0"}, listing=None)
    return host, (Unread("the firewall's rules", "run it as root"),)


def ailing(web: CommandLine) -> CommandLine:
    web.clock, web.survey = FakeClock(), ill
    return web


def test_a_finding_is_drawn_with_its_remedy_and_fails(web: CommandLine) -> None:
    result = ailing(web)("doctor")

    assert result.exit_code == ExitCode.FAILED
    assert result.stdout.splitlines() == [
        "this host",
        "broken  IP_FORWARD  net.ipv4.ip_forward",
        "  seen      0",
        "  expected  1",
        "  why       the replies of the real servers pass through the director; at 0 it drops them",
        "  remedy    'lvsnat apply'; --fix does it",
        "unknown the firewall's rules: run it as root",
        "1 broken; 'lvsnat explain CODE' says more of each",
    ]


def test_its_document_has_the_keys_that_are_documented(web: CommandLine) -> None:
    written, as_yaml = (ailing(web)("doctor", "-o", form).stdout for form in ("json", "yaml"))

    document = json.loads(written)
    assert yaml.safe_load(as_yaml) == document
    assert document["summary"] == {"broken": 1, "risk": 0, "note": 0}
    (finding,) = document["findings"]
    words = set(re.findall(r"`[\w\[\].]*?(\w+)`", DOCUMENTS))
    assert {*document, *finding, *document["unread"][0]} - {"schema"} <= words


def test_only_and_skip_choose(web: CommandLine) -> None:
    ailing(web)
    del web.kernel.state[KEY]

    def codes(*words: str) -> list[str]:
        document = json.loads(web("doctor", "-o", "json", *words).stdout)
        return [one["code"] for one in document["findings"]]

    assert codes() == ["IP_FORWARD", "NOT_APPLIED"]
    assert codes("--only", "not-applied") == ["NOT_APPLIED"]
    assert codes("--skip", "NOT_APPLIED", "--skip", "ip_forward") == []
    assert codes("web") == ["IP_FORWARD", "NOT_APPLIED"]


def test_another_services_findings_are_left_out(web: CommandLine) -> None:
    web.clock = FakeClock()
    web.ok("service", "add", "dns", "udp/192.168.1.50:53", "--server", "192.168.2.55:53")
    del web.kernel.state[KEY]

    assert web("doctor", "web").exit_code == ExitCode.FAILED
    assert web.ok("doctor", "dns") == "nothing found\n"
    assert web.ok("doctor", "udp/192.168.1.50:53") == "nothing found\n"


def test_an_unknown_service_or_code_is_a_mistake(web: CommandLine) -> None:
    for words in (["doctor", "wbe"], ["doctor", "--only", "NOPE"], ["explain", "NOPE"]):
        assert web(*words).exit_code == ExitCode.USAGE


def test_a_broken_configuration_is_a_finding_and_no_error(web: CommandLine) -> None:
    web.paths.config.write_text("[[service]]\nlisen = 3\n")

    result = web("doctor")

    assert result.exit_code == ExitCode.FAILED
    assert "broken  CONFIG_BROKEN" in result.stdout


def test_of_many_problems_of_a_configuration_the_first_are_told(web: CommandLine) -> None:
    web.paths.config.write_text('[[service]]\nlisen = 3\nname = "a b"\nwhat = 4\nthat = 5\n')

    (finding,) = json.loads(web("doctor", "-o", "json").stdout)["findings"]

    assert finding["seen"] == (
        "4 problems: line 2: service[0].lisen: unknown key; did you mean 'listen'?; line 3:"
        " service[0].name: 'a b' is not a name for a service and 2 more ('lvsnat plan' lists all)"
    )
    assert finding["remedy"] == "correct all of them"


def test_nothing_found_is_not_said_of_what_could_not_be_looked_at(web: CommandLine) -> None:
    web.clock = FakeClock()
    web.survey = lambda _: (HOST, (Unread("routes", "why"),))

    assert "nothing found; not everything could be looked at" in web.ok("doctor")


def test_what_is_left_out_by_choice_is_counted(web: CommandLine) -> None:
    ailing(web).survey = lambda config: (ill(config)[0], ())
    del web.kernel.state[KEY]

    assert web.ok("doctor", "--only", "rs-gateway") == (
        "nothing found of RS_GATEWAY; 2 others are not told\n"
    )
    assert web.ok("doctor", "--skip", "host", "--skip", "NOT_APPLIED") == (
        "nothing found; 2 others are not told\n"
    )
    assert "not told" not in web("doctor").stdout


def test_without_root_nothing_found_is_no_success(web: CommandLine) -> None:
    web.clock = FakeClock()
    lacking = Unread("the firewall's rules", "not permitted", denied=True)
    web.survey = lambda _: (HOST, (lacking, Unread("routes", "why")))

    result = web("doctor")

    assert result.exit_code == ExitCode.FAILED
    assert result.stdout.splitlines()[-2:] == [
        "nothing found; not everything could be looked at",
        "run it as root: the firewall's rules could not be looked at",
    ]


@pytest.mark.parametrize(
    ("error", "denied"),
    [
        (LvsnatError("cannot read it", "run it as root (sudo)"), True),
        (PermissionError(13, "Permission denied"), True),
        (LvsnatError("the program nft is missing", "install the package nftables"), False),
        (LvsnatError("cannot ask"), False),
        (FileNotFoundError(2, "No such file"), False),
    ],
)
def test_what_root_could_have_read_is_told_apart(
    error: LvsnatError | OSError, *, denied: bool
) -> None:
    assert Unread.of("routes", error).denied is denied


def test_without_any_service_it_says_how_to_begin(lvsnat: CommandLine) -> None:
    lvsnat.clock = FakeClock()

    assert lvsnat.ok("doctor") == (
        f"no service in {lvsnat.paths.config}: 'lvsnat service add --help' shows how to add one\n"
    )


@pytest.mark.parametrize(
    ("left", "seen"), [(None, "the file is not there"), ("", "it has no service")]
)
def test_a_configuration_that_is_gone_is_named_while_services_are_there(
    web: CommandLine, left: str | None, seen: str
) -> None:
    web.clock = FakeClock()
    web.paths.config.unlink()
    if left is not None:
        web.paths.config.write_text(left)

    result = web("doctor", "-o", "json")

    (finding,) = json.loads(result.stdout)["findings"]
    assert result.exit_code == ExitCode.FAILED
    assert (finding["code"], finding["seen"]) == ("CONFIG_MISSING", seen)
    assert str(web.paths.config) in finding["remedy"]
    web.ok("clear", "--yes")
    assert web.ok("doctor").startswith("no service in ")


def test_every_code_is_listed_with_its_title(lvsnat: CommandLine) -> None:
    assert "  RS_GATEWAY            The replies of a real server do not come" in lvsnat.ok(
        "explain"
    )


def test_the_codes_of_a_group_are_listed(lvsnat: CommandLine) -> None:
    listed = lvsnat.ok("explain", "Host").splitlines()

    assert {line.split()[0] for line in listed[1:]} == {
        code for code in Code if code.group is Group.HOST
    }


def test_the_help_names_every_group(lvsnat: CommandLine) -> None:
    words = " ".join(lvsnat.ok("doctor", "--help").split())

    assert f"of them: {', '.join(Group)}." in words
