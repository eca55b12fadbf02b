"""lvsnat health and lvsnat run on the command line, over what a daemon has published."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cli.commandline import CommandLine

from lvsnat.health import published
from lvsnat.health.published import Published
from lvsnat.health.targets import watched
from lvsnat.health.track import Track
from lvsnat.health.values import Answer
from lvsnat.system import locked, write_file
from lvsnat.testing import FakeClock

DEAD, ALIVE = "192.168.2.55:80", "192.168.2.56:80"


def publish(
    web: CommandLine,
    *,
    problems: tuple[str, ...] = (),
    pid: int = 4711,
    in_force: str | None = None,
) -> None:
    """What a daemon knows: the first server died five seconds ago."""
    web.ok("service", "set", "web", "--check", "tcp")
    clock = FakeClock()
    web.clock = clock
    now = clock.now()
    tracks = {}
    [service] = watched(web.director().config())
    for number, target in enumerate(t for several in service.targets for t in several):
        ok = number > 0
        answer = Answer(ok, "connected" if ok else "connection refused", 0.002)
        track = Track()
        for ago in range(8, 4, -1):
            track = track.after(answer, target.check, 0.0, now - ago)
        tracks[target] = track
    known = Published(
        now - 2, tracks, problems=problems, pid=pid, started=now - 60, in_force=in_force
    )
    write_file(web.paths.health, published.render(known))


def test_without_a_daemon_nothing_is_known(web: CommandLine) -> None:
    assert web.ok("health") == "daemon: none runs; nothing is known of the servers\n"


def test_each_server_says_how_it_is_and_why(web: CommandLine) -> None:
    publish(web)

    with locked(web.paths.daemon_lock):
        said = web.ok("health")

    assert "daemon: process 4711, for 1:00 min" in said
    assert "1 of 2 up" in said
    assert re.search(rf"{DEAD}\s+down\s+\d+ s\s+3→0\s.*connection refused", said)
    assert re.search(rf"{ALIVE}\s+up\s", said)


def test_what_is_old_says_so(web: CommandLine) -> None:
    publish(web)

    result = web("health")

    assert "daemon: none runs; what follows is 2 s old" in result.stdout


def test_one_service_has_its_checks_and_their_history(web: CommandLine) -> None:
    publish(web)

    said = web.ok("health", "web")

    assert "  tcp: down  connection refused in 2 ms" in said
    assert re.search(r"unknown → down: connection refused", said)


def test_an_unknown_service_is_named(web: CommandLine) -> None:
    publish(web)

    result = web("health", "mail")

    assert result.exit_code == 2
    assert "services here: web" in result.stderr


def test_problems_of_the_daemon_are_shown(web: CommandLine) -> None:
    publish(web, problems=("lvsnat.toml:3: not a weight",))

    with locked(web.paths.daemon_lock):
        assert "problem: lvsnat.toml:3: not a weight" in web.ok("health")


def test_a_broken_file_does_not_hide_that(web: CommandLine) -> None:
    publish(web)
    web.paths.config.write_text("[[service]\n")

    assert "problem: " in web.ok("health")


def test_while_the_file_is_broken_the_servers_are_those_of_the_one_before(web: CommandLine) -> None:
    publish(web)
    publish(web, problems=("broken",), in_force=web.paths.config.read_text())
    web.paths.config.write_text("[[service]\n")

    with locked(web.paths.daemon_lock):
        said = web.ok("health")

    assert "problem: broken" in said
    assert re.search(rf"{DEAD}\s+down\s", said)


def test_programs_get_a_document(web: CommandLine) -> None:
    publish(web)

    document = json.loads(web.ok("health", "-o", "json"))

    [service] = document["services"]
    dead = service["servers"][0]
    assert document["schema"] == "lvsnat/health/1"
    assert document["daemon"]["running"] is False
    assert (service["up"], service["quorum_lost"], service["checked_by"]) == (1, False, "daemon")
    assert (dead["address"], dead["health"], dead["weight"], dead["wanted"]) == (DEAD, "down", 0, 3)
    assert dead["checks"][0]["answer"] == "connection refused"
    assert [turn["to"] for turn in dead["history"]] == ["down"]


def test_every_key_of_the_document_is_documented(web: CommandLine) -> None:
    publish(web)
    text = (Path(__file__).parents[2] / "docs/reference/json.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`[\w\[\].]*?(\w+)`", text))

    def keys(value: object) -> set[str]:
        match value:
            case dict():
                return set(value) | {one for below in value.values() for one in keys(below)}
            case list():
                return {one for below in value for one in keys(below)}
            case _:
                return set()

    assert keys(json.loads(web.ok("health", "-o", "json"))) - {"schema"} <= words


def test_what_is_forgotten_counts_as_up(web: CommandLine) -> None:
    publish(web)
    web.ok("apply")
    assert "2 of 2 up" not in web.ok("health")

    web.ok("health", "--forget", "web")

    assert "2 of 2 up" in web.ok("health")
    web.ok("health", "--forget")
    assert not web.paths.health.exists()


def test_a_daemon_that_runs_forgets_nothing(web: CommandLine) -> None:
    publish(web)

    with locked(web.paths.daemon_lock):
        result = web("health", "--forget")

    assert result.exit_code == 4
    assert "systemctl stop lvsnat-daemon" in result.stderr


def test_clear_is_refused_while_a_daemon_runs(web: CommandLine) -> None:
    with locked(web.paths.daemon_lock):
        refused = web("clear", "--yes")
        web.ok("clear", "--dry-run")

    assert refused.exit_code == 4
    assert "would make everything again" in refused.stderr


def test_status_says_that_a_daemon_runs(web: CommandLine) -> None:
    assert "watched" not in web.ok("status")

    with locked(web.paths.daemon_lock):
        assert web.ok("status").splitlines()[0].endswith(", watched")


def test_a_second_daemon_is_refused_and_names_the_first(web: CommandLine) -> None:
    with locked(web.paths.daemon_lock):
        result = web("run")

    assert result.exit_code == 4
    assert "another daemon watches over this director (process " in result.stderr


def test_a_daemon_does_not_begin_with_a_broken_file(web: CommandLine) -> None:
    web.paths.config.write_text("[[service]\n")

    result = web("run")

    assert result.exit_code == 2
    assert "lvsnat.toml:1" in result.stderr


def test_a_form_of_log_that_is_none_is_refused(web: CommandLine) -> None:
    result = web("run", "--log", "xml")

    assert result.exit_code == 2
    assert "text, json" in result.stderr
