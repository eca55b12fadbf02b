"""What commands say of the health that a daemon has published."""

from __future__ import annotations

import json

import pytest
from cli.commandline import CommandLine
from watched import FIRST, SORRY, Watched, service

from lvsnat.director.director import Director
from lvsnat.model.endpoint import Protocol
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.service import VirtualService


@pytest.fixture
def watched(lvsnat: CommandLine) -> Watched:
    return of(lvsnat, service(Protocol.UDP))


def of(lvsnat: CommandLine, web: VirtualService) -> Watched:
    """What is watched is what the command line works on."""
    found = Watched(lvsnat.paths.config.parent, lvsnat.kernel, web)
    assert isinstance(found.director, Director)
    return found


def test_what_a_daemon_knew_that_has_ended_still_holds_and_is_said(
    lvsnat: CommandLine, watched: Watched
) -> None:
    watched.publish(FIRST)

    result = lvsnat("apply")

    assert "no daemon runs; what it knew of the servers at" in result.stderr
    assert result.stderr.count("no daemon runs") == 1
    assert "192.168.2.55:80" in result.stdout
    assert "in sync" in lvsnat("plan").output


def test_nothing_is_said_where_no_daemon_was(lvsnat: CommandLine, watched: Watched) -> None:
    assert watched.director.published() is None

    assert "daemon runs" not in lvsnat("plan").stderr


def test_a_file_that_cannot_be_read_is_told_of(lvsnat: CommandLine, watched: Watched) -> None:
    watched.paths.health.write_text("{")

    assert f"note: {watched.paths.health}: not a health" in lvsnat("plan").stderr


def test_status_shows_who_is_down_and_who_was_taken_out(
    lvsnat: CommandLine, watched: Watched
) -> None:
    watched.publish(FIRST)
    lvsnat.ok("apply")

    text = lvsnat.ok("status")
    document = json.loads(lvsnat.ok("status", "--output", "json"))

    assert "1 down" in text
    assert "down: web 192.168.2.55:80" in text
    assert "connection refused" in text
    gone, there = document["services"][0]["servers"]
    assert (gone["state"], gone["seen"], gone["wanted"]) == ("in-sync", None, None)
    assert gone["health"]["state"] == "down"
    assert gone["health"]["detail"] == "connection refused"
    assert there["health"]["state"] == "up"


def test_status_shows_the_sorry_server(lvsnat: CommandLine) -> None:
    web = service(sorry=SORRY, policy=HealthPolicy(quorum=2))
    watched = of(lvsnat, web)
    watched.publish(FIRST)
    lvsnat.ok("apply", "--force")

    assert "in-sync, sorry" in lvsnat.ok("status")
    document = json.loads(lvsnat.ok("status", "--output", "json"))
    assert [one["sorry"] for one in document["services"][0]["servers"]] == [False, False, True]


def test_export_writes_the_configuration_whatever_checks_say(lvsnat: CommandLine) -> None:
    watched = of(lvsnat, service(sorry=SORRY))
    before = lvsnat.ok("export", "ipvsadm")

    watched.publish(FIRST)

    assert lvsnat.ok("export", "ipvsadm") == before
    assert str(SORRY) not in before
