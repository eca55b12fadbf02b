"""lvsnat server drain, disable, enable, remove: a server leaves and no connection is cut."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode
from lvsnat.host.backend import HostBackend
from lvsnat.ipvs.resources import IpvsServer
from lvsnat.model.resource import Key
from lvsnat.model.status import ServerStats
from lvsnat.system import locked
from lvsnat.testing import FakeClock

FIRST, SECOND = "192.168.2.55:80", "192.168.2.56:80"
DRAIN = ("server", "drain", "web", FIRST)


@dataclass
class Server:
    """A real server of the fake kernel."""

    lvsnat: CommandLine
    name: str = f"tcp/192.168.1.50:80 {FIRST}"

    @property
    def key(self) -> Key:
        return Key("server", self.name)

    def holds(self, active: int, inactive: int = 0, persistent: int = 0) -> None:
        self.lvsnat.kernel.counters[self.key] = ServerStats(active, inactive, persistent)

    @property
    def weight(self) -> int | None:
        server = self.lvsnat.kernel.state.get(self.key)
        return server.weight if isinstance(server, IpvsServer) else None


@pytest.fixture
def server(web: CommandLine) -> Server:
    return Server(web)


def test_drain_sets_the_weight_to_0_and_keeps_the_rest(web: CommandLine, server: Server) -> None:
    web.ok("server", "set", "web", FIRST, "--upper", "100")
    before = web.config
    server.holds(3, 1)

    result = web(*DRAIN)

    assert result.stdout == f"~ server {FIRST} of tcp/192.168.1.50:80  weight 3 → 0\n"
    assert f"{FIRST} holds 3 active, 1 inactive, 0 persistent\n" in result.stderr
    drained = web.kernel.state[server.key]
    assert isinstance(drained, IpvsServer)
    assert (drained.weight, drained.upper) == (0, 100)
    assert web.config == before


def test_a_drained_server_stays_at_0_and_status_says_why(web: CommandLine, server: Server) -> None:
    web.ok(*DRAIN)

    web.ok("apply")
    (service,) = json.loads(web.ok("status", "-o", "json"))["services"]

    assert server.weight == 0
    assert service["servers"][0]["override"] == {"reason": "drained", "until": None}
    assert service["servers"][1]["override"] is None
    assert "in-sync, drained" in web.ok("status")


def test_enable_brings_the_weight_of_the_configuration_back(
    web: CommandLine, server: Server
) -> None:
    web.ok(*DRAIN)

    shown = web.ok("server", "enable", "web", FIRST)

    assert shown == f"~ server {FIRST} of tcp/192.168.1.50:80  weight 0 → 3\n"
    assert server.weight == 3


def test_the_last_server_is_drained_only_by_force(web: CommandLine, server: Server) -> None:
    web.ok("server", "drain", "web", SECOND)

    refused = web(*DRAIN)
    assert refused.exit_code == ExitCode.REFUSED
    assert "left without a server that takes connections" in refused.stderr
    assert server.weight == 3

    web.ok(*DRAIN, "--force")
    assert server.weight == 0


def test_wait_says_each_change_until_it_is_idle(web: CommandLine, server: Server) -> None:
    server.holds(2, 7)
    web.clock = FakeClock(
        lambda: server.holds(2, 7), lambda: server.holds(1, 8), lambda: server.holds(0, 9)
    )

    result = web(*DRAIN, "--wait")

    assert result.exit_code == ExitCode.DONE
    assert result.stderr.splitlines()[1:] == [
        f"draining {FIRST}: 2 active, 7 inactive, 0 persistent (5:00 min left)",
        f"draining {FIRST}: 1 active, 8 inactive, 0 persistent (4:58 min left)",
        f"{FIRST} holds 0 active, 9 inactive, 0 persistent",
    ]


def test_all_waits_for_inactive_connections_and_persistent_clients(
    web: CommandLine, server: Server
) -> None:
    server.holds(0, 1, 1)
    web.clock = FakeClock(lambda: server.holds(0, 0, 1), lambda: server.holds(0))

    result = web(*DRAIN, "--all")

    assert "0 active, 0 inactive, 1 persistent" in result.stderr
    assert result.stderr.endswith("holds 0 active, 0 inactive, 0 persistent\n")


def test_at_the_deadline_it_says_what_is_left_and_stays_at_0(
    web: CommandLine, server: Server
) -> None:
    server.holds(2)
    web.clock = FakeClock()

    result = web(*DRAIN, "--remove", "--deadline", "90s")

    assert result.exit_code == ExitCode.FAILED
    assert f"error: {FIRST} is not idle after 90 s: 2 active, 0 inactive" in result.stderr
    assert "it stays at weight 0" in result.stderr
    assert server.weight == 0
    assert FIRST in web.config


def test_remove_waits_and_then_removes(web: CommandLine, server: Server) -> None:
    server.holds(1)
    web.clock = FakeClock(lambda: server.holds(0))

    web.ok(*DRAIN, "--remove")

    assert server.weight is None
    assert FIRST not in web.config
    assert web.director().overrides() == {}


def test_a_drain_with_removal_is_one_document(web: CommandLine, server: Server) -> None:
    server.holds(1)
    web.clock = FakeClock(lambda: server.holds(0))

    document = json.loads(web.ok(*DRAIN, "--remove", "-o", "json"))

    assert [change["action"] for change in document["changes"]] == ["remove"]


def test_a_server_enabled_meanwhile_ends_the_wait(web: CommandLine, server: Server) -> None:
    server.holds(1)
    web.clock = FakeClock(lambda: web.ok("server", "enable", "web", FIRST))

    result = web(*DRAIN, "--remove")

    assert result.exit_code == ExitCode.FAILED
    assert "was enabled while it was drained" in result.stderr
    assert server.weight == 3


def test_a_dry_run_of_a_drain_waits_for_nothing(web: CommandLine, server: Server) -> None:
    server.holds(1)

    result = web(*DRAIN, "--wait", "--dry-run")

    assert "weight 3 → 0" in result.stdout
    assert server.weight == 3


def test_removing_a_busy_server_drains_it_first(web: CommandLine, server: Server) -> None:
    server.holds(4)
    web.clock = FakeClock(lambda: server.holds(0))

    result = web("server", "remove", "web", FIRST)

    assert result.stdout.splitlines() == [
        f"~ server {FIRST} of tcp/192.168.1.50:80  weight 3 → 0",
        f"- server {FIRST} of tcp/192.168.1.50:80  weight=0",
    ]
    assert f"draining {FIRST}: 4 active" in result.stderr


def test_removing_an_idle_server_shows_one_step(web: CommandLine, server: Server) -> None:
    server.holds(0, 5)

    shown = web.ok("server", "remove", "web", FIRST)

    # By then it takes no new connection: one that came after the first look would be cut.
    assert shown == f"- server {FIRST} of tcp/192.168.1.50:80  weight=0\n"


def test_now_cuts_the_connections_of_a_busy_server(web: CommandLine, server: Server) -> None:
    server.holds(4)

    web.ok("server", "remove", "web", FIRST, "--now")

    assert server.weight is None


def test_a_dry_run_says_that_a_busy_server_would_be_drained(
    web: CommandLine, server: Server
) -> None:
    server.holds(4)

    result = web("server", "remove", "web", FIRST, "--dry-run")

    assert "it holds 4 active, 0 inactive, 0 persistent connections" in result.stderr
    assert "would be cut" not in result.stdout
    assert server.weight == 3


def test_a_service_with_connections_goes_only_when_told(web: CommandLine, server: Server) -> None:
    server.holds(4)

    refused = web("service", "remove", "web")
    assert refused.exit_code == ExitCode.REFUSED
    assert "4 active connections of service tcp/192.168.1.50:80 would be cut" in refused.stderr

    web.ok("service", "remove", "web", "--now")
    assert web.kernel.state == {}


def udp(lvsnat: CommandLine) -> Server:
    lvsnat.ok("service", "add", "dns", "udp/192.168.1.50:53", "--server", FIRST, "--server", SECOND)
    return Server(lvsnat, f"udp/192.168.1.50:53 {FIRST}")


def test_a_drain_of_udp_says_that_busy_clients_stay(lvsnat: CommandLine) -> None:
    server = udp(lvsnat)

    result = lvsnat("server", "drain", "dns", FIRST)

    assert "UDP: a client that goes on sending stays on it; --remove" in result.stderr
    assert server.weight == 0


def test_a_drain_of_udp_with_removal_removes_at_once(lvsnat: CommandLine) -> None:
    server = udp(lvsnat)
    server.holds(0, 9)

    shown = lvsnat.ok("server", "drain", "dns", FIRST, "--remove")

    assert shown == f"- server {FIRST} of udp/192.168.1.50:53  weight=1\n"


def sysctls(folder: Path, **values: int) -> HostBackend:
    """A host with these settings of IPVS, in a folder instead of /proc/sys."""
    vs = folder / "net/ipv4/vs"
    vs.mkdir(parents=True)
    for name, value in values.items():
        (vs / name).write_text(f"{value}\n")
    return HostBackend(folder)


UNMANAGED = "\n[host]\nmanage_vip = false\nmanage_sysctl = false\nblock_imds = false\n"


def test_udp_warns_where_the_kernel_would_leave_clients_without_an_answer(
    lvsnat: CommandLine, tmp_path: Path
) -> None:
    udp(lvsnat)
    lvsnat.paths.config.write_text(lvsnat.config + UNMANAGED)
    lvsnat.others = (sysctls(tmp_path / "sys", expire_nodest_conn=0),)

    result = lvsnat("server", "drain", "dns", FIRST, "--remove")

    assert "note: net.ipv4.vs.expire_nodest_conn is not 1" in result.stderr


@pytest.mark.parametrize(("value", "warned"), [(0, True), (1, False)])
def test_persistence_warns_where_clients_would_come_back(
    web: CommandLine, tmp_path: Path, value: int, *, warned: bool
) -> None:
    web.ok("service", "set", "web", "--persistent", "300")
    web.paths.config.write_text(web.config + UNMANAGED)
    web.others = (sysctls(tmp_path / "sys", expire_quiescent_template=value),)

    result = web(*DRAIN)

    assert ("net.ipv4.vs.expire_quiescent_template is not 1" in result.stderr) == warned


@pytest.mark.parametrize(
    ("flags", "warned"),
    [((), True), (("--sched-flags", "sh-fallback"), False)],
    ids=["alone", "with fallback"],
)
@pytest.mark.parametrize("verb", ["drain", "disable"])
def test_a_scheduler_that_refuses_the_clients_of_weight_0_is_told_of(
    web: CommandLine, verb: str, flags: tuple[str, ...], *, warned: bool
) -> None:
    web.ok("service", "set", "web", "--scheduler", "sh", *flags)

    result = web("server", verb, "web", FIRST)

    assert ("note: sh refuses new connections of this server's clients" in result.stderr) == warned
    assert result.exit_code == ExitCode.DONE


def test_disable_for_a_while_ends_by_itself_at_the_next_apply(
    web: CommandLine, server: Server
) -> None:
    clock = FakeClock()
    web.clock = clock

    result = web("server", "disable", "web", FIRST, "--for", "2h")
    assert server.weight == 0
    assert "note: no lvsnat daemon runs: the first 'lvsnat apply' after 20" in result.stderr
    assert "in-sync, disabled until 20" in web.ok("status")

    clock.sleep(2 * 3600)
    web.ok("apply")
    assert server.weight == 3
    assert web.director().overrides() == {}


def test_with_a_daemon_nobody_needs_to_be_told(web: CommandLine) -> None:
    with locked(web.paths.daemon_lock):
        result = web("server", "disable", "web", FIRST, "--for", "90")

    assert "daemon" not in result.stderr


def test_an_override_that_has_ended_is_shown_until_it_is_applied(
    web: CommandLine, server: Server
) -> None:
    web.clock = FakeClock()
    web.ok("server", "disable", "web", FIRST, "--for", "5m")
    web.clock.sleep(300)

    web.ok("server", "add", "web", "192.168.2.57:80")

    assert server.weight == 0
    assert "changed, disabled until 20" in web.ok("status")


@pytest.mark.parametrize("command", ["drain", "disable", "enable", "remove"])
def test_an_unknown_server_is_a_mistake_of_the_command(web: CommandLine, command: str) -> None:
    result = web("server", command, "web", "192.168.2.99:80")

    assert result.exit_code == ExitCode.USAGE
    assert f"hint: its real servers: {FIRST}, {SECOND}" in result.stderr


@pytest.mark.parametrize("text", ["", "m", "5 m", "-1", "1d", "5m30s", "9" * 20])
def test_a_duration_is_a_number_and_a_unit(web: CommandLine, text: str) -> None:
    result = web(*DRAIN, "--wait", "--deadline", text)

    assert result.exit_code == ExitCode.USAGE
    assert "is not a duration" in result.stderr
    assert "hint: write 90s, 5m or 2h" in result.stderr


def test_a_deadline_of_0_looks_once(web: CommandLine, server: Server) -> None:
    server.holds(1)

    result = web(*DRAIN, "--wait", "--deadline", "0")

    assert result.exit_code == ExitCode.FAILED
    assert "is not idle after 0 s: 1 active" in result.stderr
