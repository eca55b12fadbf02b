"""Each rule about checks of other types than HTTP, and about keys of another type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lvsnat.model.check_cautions import cautions
from lvsnat.model.config import Config
from lvsnat.model.daemon import DaemonOptions
from lvsnat.model.endpoint import Endpoint, parse_address, parse_listener
from lvsnat.model.health import SOME_KNOW, CheckType, HealthCheck
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.rules import violations
from lvsnat.model.service import RealServer, Scheduler, VirtualService
from lvsnat.model.violation import Path

SERVERS = (RealServer(Endpoint.parse("192.168.2.55:80")),)
WEB = VirtualService("web", parse_listener("tcp/192.168.1.50:80"), servers=SERVERS)

GIVEN: dict[str, Any] = {
    "path": "/x",
    "method": "HEAD",
    "host": "a",
    "expect": ((200, 200),),
    "body": "x",
    "regex": "x",
    "verify": False,
    "certificate": "/x.pem",
    "send": "x",
    "name": "example.com",
    "record": "SOA",
    "command": ("/bin/true",),
    "file": "/x",
    "source": parse_address("192.168.2.1"),
    "reset": False,
    "port": 81,
}
NEEDED: dict[CheckType, dict[str, Any]] = {
    CheckType.DNS: {"name": "example.com"},
    CheckType.AGENT: {"port": 8080},
    CheckType.EXEC: {"command": ("/bin/true",)},
    CheckType.FILE: {"file": "/x"},
}


def made(kind: CheckType, **more: Any) -> HealthCheck:  # noqa: ANN401 - whatever it takes
    return HealthCheck(kind, **{**NEEDED.get(kind, {}), **more})


def found(service: VirtualService) -> list[tuple[Path, str]]:
    return [(v.path[2:], v.message) for v in violations(Config(services=(service,)))]


def test_every_key_that_only_some_types_know_is_tried() -> None:
    assert set(GIVEN) == set(SOME_KNOW)


@pytest.mark.parametrize("kind", CheckType)
@pytest.mark.parametrize("key", GIVEN)
def test_a_key_belongs_to_its_types(kind: CheckType, key: str) -> None:
    problems = found(replace(WEB, check=made(kind, **{key: GIVEN[key]})))

    if kind in SOME_KNOW[key]:
        assert problems == []
    else:
        ((path, message),) = problems
        assert path == ("check", key)
        assert message.startswith(f"{key} is for checks by ")
        assert message.endswith(f", and this one is {kind}")


@pytest.mark.parametrize(("kind", "needed"), NEEDED.items())
def test_a_check_says_what_it_cannot_do_without(kind: CheckType, needed: dict[str, Any]) -> None:
    assert found(replace(WEB, check=HealthCheck(kind))) == [
        (("check",), f"a check by {kind} needs {next(iter(needed))}")
    ]


@pytest.mark.parametrize(
    ("check", "key", "message"),
    [
        (made(CheckType.DNS, name="a b"), "name", "'a b' is not a name of the DNS"),
        (made(CheckType.DNS, name="a..b"), "name", "'a..b' is not a name of the DNS"),
        (made(CheckType.DNS, name="a" * 64), "name", f"'{'a' * 64}' is not a name of the DNS"),
        (
            made(CheckType.DNS, record="a"),
            "record",
            "'a' is not a type of record that can be asked for",
        ),
        (
            made(CheckType.GRPC, name="a b"),
            "name",
            "'a b' is not the name of a service of gRPC",
        ),
        (
            made(CheckType.EXEC, command=("true",)),
            "command",
            "'true' is not the whole path of a program",
        ),
        (
            made(CheckType.EXEC, command=("/bin/true", "\0")),
            "command",
            "these are more words than a check takes (64 of 1000 characters)",
        ),
        (
            made(CheckType.EXEC, command=("/bin/true",) * 65),
            "command",
            "these are more words than a check takes (64 of 1000 characters)",
        ),
        (made(CheckType.FILE, file="x"), "file", "'x' is not the whole path of a file"),
        (
            made(CheckType.FILE, file="/{name}"),
            "file",
            "'/{name}' asks for something else than {address} and {port}",
        ),
        (
            made(CheckType.HTTPS, certificate="x.pem"),
            "certificate",
            "'x.pem' is not the whole path of a file",
        ),
        (made(CheckType.UDP, send=""), "send", "this is not a text to send"),
        (made(CheckType.UDP, body="a\nb"), "body", "'a\\nb' is not a text to look for"),
        (
            made(CheckType.HTTP, regex="("),
            "regex",
            "'(' is not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        (
            made(CheckType.HTTP, regex="a" * 201),
            "regex",
            f"'{'a' * 40}' is not a regular expression of one line",
        ),
        (
            made(CheckType.PING, source=parse_address("fd00::1")),
            "source",
            "fd00::1 is not of the servers' family",
        ),
        (
            made(CheckType.TCP, source=parse_address("::")),
            "source",
            ":: stands for every address",
        ),
        (
            made(CheckType.TCP, source=parse_address("224.0.0.1")),
            "source",
            "224.0.0.1 is a multicast address",
        ),
        (made(CheckType.TCP, jitter=0.6), "jitter", "0.6 is not a part of the interval (0 to 0.5)"),
    ],
)
def test_a_value_makes_sense(check: HealthCheck, key: str, message: str) -> None:
    assert found(replace(WEB, check=check)) == [(("check", key), message)]


def test_several_checks_are_judged_by_their_place() -> None:
    service = WEB.asked([HealthCheck(), HealthCheck(rise=0), HealthCheck()])

    assert found(service) == [
        (("check", 1, "rise"), "0 is not a number of answers in a row (1 to 1000)"),
        (("check", 2), "this is check[0] once more"),
    ]


def test_a_server_that_keeps_the_clients_port_has_to_be_asked_somewhere() -> None:
    keeps = (RealServer(Endpoint.parse("192.168.2.55:0")),)
    mark = VirtualService("mark", parse_listener("fwmark/7"), servers=keeps)

    assert found(replace(mark, check=HealthCheck())) == [
        (
            ("check",),
            (
                "a server with port 0 has no port of its own, and fwmark/7 says none: it is not"
                " known where to ask"
            ),
        )
    ]
    assert found(replace(mark, check=HealthCheck(port=80))) == []
    assert found(replace(mark, check=HealthCheck(CheckType.PING))) == []
    several = parse_listener("tcp/192.168.1.50:80,81")
    assert found(replace(mark, listen=several, check=HealthCheck())) == []


@pytest.mark.parametrize(
    ("policy", "key", "message"),
    [
        (HealthPolicy(quorum=0), "quorum", "0 is not a number of servers (1 to 65535)"),
        (HealthPolicy(hysteresis=-1), "hysteresis", "-1 is not a number of servers (0 to 65535)"),
        (
            HealthPolicy(max_down=0),
            "max_down",
            "0 is not a share of the servers (1 to 100 per cent)",
        ),
        (
            HealthPolicy(max_down=101),
            "max_down",
            "101 is not a share of the servers (1 to 100 per cent)",
        ),
        (HealthPolicy(warmup=-1.0), "warmup", "-1 s is not a time (0 to 24 days)"),
        (HealthPolicy(damping=3e6), "damping", "3000000 s is not a time (0 to 24 days)"),
    ],
)
def test_a_policy_makes_sense(policy: HealthPolicy, key: str, message: str) -> None:
    assert found(replace(WEB, policy=policy)) == [((key,), message)]


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        (
            DaemonOptions(interval=0.05),
            ("interval",),
            "0.05 s is not a time between two looks (100 ms to 24 hours)",
        ),
        (
            DaemonOptions(metrics=Endpoint.parse("127.0.0.1:0")),
            ("metrics",),
            "port 0 is no port that Prometheus could ask",
        ),
        (
            DaemonOptions(metrics=Endpoint.parse("224.0.0.1:9101")),
            ("metrics",),
            "224.0.0.1 is a multicast address",
        ),
        (
            DaemonOptions(notify=("page",)),
            ("notify", 0),
            "'page' is not the whole path of a program",
        ),
        (
            DaemonOptions(notify=("/bin/a", "/bin/b", "/bin/a")),
            ("notify", 2),
            "/bin/a is already notify[0]",
        ),
    ],
)
def test_the_daemon_is_asked_for_what_it_can_do(
    options: DaemonOptions, path: Path, message: str
) -> None:
    problems = list(violations(Config(daemon=options)))

    assert [(v.path, v.message) for v in problems] == [(("daemon", *path), message)]
    assert all(v.hint for v in problems)


def test_the_daemon_may_show_its_metrics_to_everybody() -> None:
    assert not [*violations(Config(daemon=DaemonOptions(metrics=Endpoint.parse("[::]:9101"))))]


def doubts(service: VirtualService) -> list[str]:
    found = list(cautions(Config(services=(service,))))
    assert all(caution.hint for caution in found)
    return [str(caution) for caution in found]


def test_an_ordinary_check_raises_no_doubt() -> None:
    assert doubts(replace(WEB, check=HealthCheck())) == []
    assert doubts(WEB) == []


def test_what_is_probably_not_meant_is_said() -> None:
    assert doubts(replace(WEB, check=HealthCheck(timeout=3))) == [
        "web: a check waits for its answer longer than one interval: failures are noticed later"
    ]
    assert doubts(replace(WEB, check=HealthCheck(), policy=HealthPolicy(quorum=2))) == [
        "web: there are fewer servers than the quorum: it is never there"
    ]
    slow = replace(WEB, check=HealthCheck(), policy=HealthPolicy(warmup=30))
    assert doubts(replace(slow, scheduler=Scheduler.RR)) == [
        "web: warmup has no effect: the scheduler does not look at weights"
    ]
    assert doubts(replace(WEB, policy=HealthPolicy(damping=30))) == [
        "web: what is to happen to failed servers has no effect: there is no check"
    ]


def test_a_sorry_server_needs_somebody_who_says_that_the_others_are_down() -> None:
    mark = VirtualService(
        "mark", parse_listener("fwmark/7"), sorry=Endpoint.parse("192.168.2.99:80")
    )

    assert doubts(mark) == [
        (
            "mark: the sorry server answers only while every server has weight 0: no check tells"
            " that a server is down"
        )
    ]
    assert doubts(replace(mark, check=HealthCheck(CheckType.PING))) == []
