"""lvsnat doctor and lvsnat explain."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import yaml
from cli.commandline import CommandLine
from cli.test_documentation import DOCUMENTS
from unit.doctor.patients import HOST

from lvsnat.doctor.facts import HostFacts
from lvsnat.doctor.finding import Unread
from lvsnat.errors import ExitCode
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


def test_nothing_found_is_not_said_of_what_could_not_be_looked_at(web: CommandLine) -> None:
    web.clock = FakeClock()
    web.survey = lambda _: (HOST, (Unread("routes", "why"),))

    assert "nothing found; not everything could be looked at" in web.ok("doctor")


def test_every_code_is_listed_with_its_title(lvsnat: CommandLine) -> None:
    assert "  RS_GATEWAY          The replies of a real server do not come" in lvsnat.ok("explain")
