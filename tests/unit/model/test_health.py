"""A check in a few words, and a check that asks another question."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvsnat.errors import UsageError
from lvsnat.model.endpoint import parse_address
from lvsnat.model.health import CheckType, HealthCheck, parse_statuses, statuses_text

SHORTS = [
    "tcp",
    "http",
    "https",
    "http:/health",
    "https:/a?b=c:d",
    "udp",
    "dns:example.com",
    "ping",
    "grpc",
    "grpc:shop.Orders",
    "agent:8080",
    "file:/run/{address}:{port}",
]


@pytest.mark.parametrize("text", SHORTS)
def test_a_check_in_short_reads_back(text: str) -> None:
    check = HealthCheck.parse(text)

    assert (check.short, check.plain) == (text, check)


WRONG = ["", "tcp:80", "http:", "http:health", "HTTP:/x", "http/", "udp:53", "dns", "dns:"]
WRONG += ["ping:", "grpc:", "agent", "agent:", "agent:x", "agent:²", "file", "file:x", "exec:/x"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_check_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match="is not a check") as caught:
        HealthCheck.parse(text)

    assert "'tcp', 'http:/path'," in str(caught.value.hint)


@pytest.mark.parametrize(
    "check",
    [
        HealthCheck(rise=5),
        HealthCheck(CheckType.HTTP, method="HEAD"),
        HealthCheck(CheckType.HTTP, path="health"),
        HealthCheck(CheckType.TCP, path="/x"),
        HealthCheck(CheckType.EXEC, command=("/bin/true",)),
    ],
)
def test_a_check_that_takes_more_words_has_no_short_form(check: HealthCheck) -> None:
    assert check.short is None


@pytest.mark.parametrize(
    ("text", "statuses"),
    [("200", ((200, 200),)), ("200-299,301", ((200, 299), (301, 301))), ("9-1", ((9, 1),))],
)
def test_statuses_read_back(text: str, statuses: tuple[tuple[int, int], ...]) -> None:
    assert parse_statuses(text) == statuses
    assert statuses_text(statuses) == text


@pytest.mark.parametrize("text", ["", "2xx", "200,", "-200", "200--299", "²00", "9" * 10])
def test_what_is_no_list_of_statuses_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a list of HTTP statuses"):
        parse_statuses(text)


def test_another_page_is_asked_for_as_the_one_before() -> None:
    check = HealthCheck(CheckType.HTTPS, "/a", "HEAD", "h", body="x", verify=False, rise=5)

    other = check.asking(HealthCheck(CheckType.HTTPS, "/b"))

    assert other == HealthCheck(CheckType.HTTPS, "/b", "HEAD", "h", body="x", verify=False, rise=5)


def test_without_tls_there_is_no_certificate_to_verify() -> None:
    check = HealthCheck(CheckType.HTTPS, verify=False)

    assert check.asking(HealthCheck(CheckType.HTTP)) == HealthCheck(CheckType.HTTP)


def test_a_check_by_tcp_keeps_the_rhythm_alone() -> None:
    check = HealthCheck(CheckType.HTTP, "/a", "HEAD", port=81, interval=0.5, rise=5)

    assert check.asking(HealthCheck()) == HealthCheck(port=81, interval=0.5, rise=5)


def test_a_check_of_another_type_keeps_the_rhythm_and_where_it_comes_from() -> None:
    source = parse_address("192.168.2.1")
    check = HealthCheck(CheckType.DNS, name="a", record="SOA", source=source, rise=5, jitter=0.2)

    assert check.asking(HealthCheck.parse("dns:b")) == replace(check, name="b")
    assert check.asking(HealthCheck.parse("agent:80")) == HealthCheck(
        CheckType.AGENT, port=80, source=source, rise=5, jitter=0.2
    )
    assert check.asking(HealthCheck.parse("file:/x")) == HealthCheck(
        CheckType.FILE, file="/x", rise=5, jitter=0.2
    )
