"""lvsnat doctor trace: its words, its answer, its exit code."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import yaml
from cli.commandline import CommandLine
from cli.test_documentation import DOCUMENTS, keys
from unit.doctor.patients import HOST, way

from lvsnat.doctor.facts import HostFacts
from lvsnat.doctor.finding import Unread
from lvsnat.doctor.trace.journey import Lookups, Question
from lvsnat.errors import ExitCode, LvsnatError
from lvsnat.host.seen import Answer, RouteKind
from lvsnat.model.config import Config
from lvsnat.model.endpoint import parse_address
from lvsnat.testing import FakeClock

CLIENT = "203.0.113.10"


def healthy(config: Config) -> tuple[HostFacts, tuple[Unread, ...]]:
    ways = {one.endpoint.address: way("eth1") for web in config.services for one in web.servers}
    return replace(HOST, ways={**HOST.ways, **ways}), ()


def answered(question: Question) -> Lookups:
    back = way("eth0", "192.168.1.1")
    here = Answer(RouteKind.LOCAL, "lo")
    return Lookups(here, back, dict.fromkeys(question.servers, back))


@pytest.fixture
def traced(web: CommandLine) -> CommandLine:
    web.clock, web.survey, web.ask = FakeClock(), healthy, answered
    return web


def test_a_way_without_failure_is_drawn_and_succeeds(traced: CommandLine) -> None:
    lines = traced.ok("doctor", "trace", CLIENT, "web").splitlines()

    assert lines[0] == "203.0.113.10 → web tcp/192.168.1.50:80, by IPVS"
    assert lines[-1] == "nothing fails; not sure of: server, way back"


def test_a_step_that_fails_is_exit_code_1(traced: CommandLine) -> None:
    traced.ok("server", "disable", "web", "192.168.2.56:80")

    result = traced("doctor", "trace", CLIENT, "web", "--server", "192.168.2.56:80")

    assert result.exit_code == ExitCode.FAILED
    assert result.stdout.splitlines()[-1] == "fails at 'servers'"


def test_its_document_has_the_keys_that_are_documented(traced: CommandLine) -> None:
    words = ("doctor", "trace", "203.0.113.10:4711", "tcp/192.168.1.50:80", "-o")
    document = json.loads(traced.ok(*words, "json"))

    assert yaml.safe_load(traced.ok(*words, "yaml")) == document
    assert f"\n## {document.pop('schema')}\n" in DOCUMENTS
    section = DOCUMENTS.partition("\n## lvsnat/trace/1\n")[2].partition("\n## ")[0]
    assert set(keys(document)) <= set(re.findall(r"`[\w\[\].]*?(\w+)`", section))
    assert document["client"] == "203.0.113.10:4711"


def test_what_cannot_be_asked_is_unknown_and_no_failure(traced: CommandLine) -> None:
    def refused(question: Question) -> Lookups:
        raise LvsnatError(f"no way to ask about {question.client}", "run it as root")

    traced.ask = refused

    text = traced.ok("doctor", "trace", CLIENT, "web")
    assert "unknown the way of this packet: no way to ask about 203.0.113.10" in text


@pytest.mark.parametrize(
    "words",
    [
        ["203.0.113", "web"],
        [CLIENT, "wbe"],
        ["2001:db8::7", "web"],
        ["192.168.2.10", "web"],
        [CLIENT, "web", "--server", "192.168.2.99:80"],
        [CLIENT],
    ],
    ids=["no address", "no service", "another family", "this host", "no server", "too few"],
)
def test_what_makes_no_sense_is_a_mistake(traced: CommandLine, words: list[str]) -> None:
    result = traced("doctor", "trace", *words)

    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""


def test_a_service_of_that_name_is_reached_by_its_listener(traced: CommandLine) -> None:
    traced.ok("service", "add", "trace", "tcp/192.168.1.50:90", "--server", "192.168.2.55:90")

    assert traced("doctor", "trace").exit_code == ExitCode.USAGE
    for words in (["tcp/192.168.1.50:90"], ["--seconds", "0.1", "trace"]):
        assert "no step" not in traced("doctor", *words).output
        assert traced("doctor", *words).exit_code == ExitCode.DONE
    assert "→ trace tcp/" in traced.ok("doctor", "trace", CLIENT, "trace")


def test_help_of_either_names_its_own_options(traced: CommandLine) -> None:
    assert "trace" in traced.ok("doctor", "--help")
    assert "--only" in traced.ok("doctor", "--help")
    assert "--server" in traced.ok("doctor", "trace", "--help")


def test_a_broken_configuration_is_an_error(traced: CommandLine) -> None:
    traced.paths.config.write_text("[[service]]\nlisen = 3\n")

    assert traced("doctor", "trace", CLIENT, "web").exit_code != ExitCode.DONE


def test_the_routing_is_asked_about_this_client_and_these_servers(traced: CommandLine) -> None:
    asked: list[Question] = []

    def asking(question: Question) -> Lookups:
        asked.append(question)
        return answered(question)

    traced.ask = asking
    traced.ok("doctor", "trace", CLIENT, "web")

    (one,) = asked
    assert (str(one.client), str(one.vip), one.arrival) == (CLIENT, "192.168.1.50", "eth0")
    assert one.servers == {parse_address(f"192.168.2.{last}"): "eth1" for last in (55, 56)}
    assert one.mark == 0


def test_words_the_wrong_way_round_are_told_so(traced: CommandLine) -> None:
    result = traced("doctor", "trace", "web", CLIENT)

    assert result.exit_code == ExitCode.USAGE
    assert "'web' is no address" in result.stderr
    assert "'lvsnat doctor trace 203.0.113.10 web'" in result.stderr


def test_a_client_that_is_no_address_is_not_asked_for_a_port(traced: CommandLine) -> None:
    result = traced("doctor", "trace", "1.2.3.400", "web")

    assert result.exit_code == ExitCode.USAGE
    assert "'1.2.3.400' is not an IP address" in result.stderr
    assert "port" not in result.stderr


def test_a_server_needs_no_port_where_it_is_alone_at_its_address(traced: CommandLine) -> None:
    words = ("doctor", "trace", CLIENT, "web", "--server")
    assert traced.ok(*words, "192.168.2.55") == traced.ok(*words, "192.168.2.55:80")

    traced.ok("server", "add", "web", "192.168.2.55:81")
    several, none = traced(*words, "192.168.2.55"), traced(*words, "192.168.2.99")
    assert several.exit_code == none.exit_code == ExitCode.USAGE
    assert "name one of 192.168.2.55:80, 192.168.2.55:81\n" in several.stderr
    assert "web has no servers at 192.168.2.99" in none.stderr
