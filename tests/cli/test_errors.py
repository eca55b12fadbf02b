"""One wrong input of each kind: one clear error, the right exit code, and nothing changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from errno import EPERM

import pytest
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode, LvsnatError
from lvsnat.ipvs.resources import IpvsResource
from lvsnat.model.resource import Key
from lvsnat.system import locked
from lvsnat.testing import FakeBackend

USAGE, FAILED, REFUSED = ExitCode.USAGE, ExitCode.FAILED, ExitCode.REFUSED
DNS = "udp/192.168.1.50:53"
HERE = "192.168.2.55:80"


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        (["service", "add", "x", "tcp/1.2.3.4"], "not an address and a port", "192.168.2.55:80"),
        (["service", "add", "x", "tcp/1.2.3:80"], "'1.2.3' is not an IP address", "IPv4"),
        (["service", "add", "x", "80"], "'80' is not a listener", "tcp/192.168.1.50:80"),
        (["service", "add", "x", "1.2.3.4:80"], "is not a listener", "tcp/1.2.3.4:80"),
        (["service", "show", "192.168.1.50:80"], "no service", "mean tcp/192.168.1.50:80?"),
        (["service", "add", "a b", DNS], "'a b' is not a name", "letters"),
        (["service", "add", "x", DNS, "--scheduler", "wr"], "'wr' is not a scheduler", "wrr"),
        (["service", "add", "x", DNS, "--sched-flags", "no"], "'no' is not a flag", "sh-port"),
        (["service", "add", "x", DNS, "--persistent", "5m"], "'5m' is not a persist", "300/24"),
        (["service", "add", "x", DNS, "--persistent", "300/33"], "33 is not a prefix", "32"),
        (["service", "add", "x", DNS, "--server", "1.2.3.4:5=x"], "'x' is not a weight", "65535"),
        (["service", "add", "web", DNS], "the name 'web' is taken", "a name of its own"),
        (["service", "add", "x", "tcp/192.168.1.50:80"], "already the listener", "one listener"),
        (["service", "set", "wbe", "--scheduler", "rr"], "no service 'wbe'", "web"),
        (["service", "set", "web"], "nothing to set", "service set --help"),
        (["service", "set", "web", "--sched-flags", "sh-port"], "flag of the scheduler sh", "sh"),
        (["service", "show", "wbe"], "no service 'wbe'", "web"),
        (["service", "remove", "wbe"], "no service 'wbe'", "web"),
        (["server", "add", "wbe", HERE], "no service 'wbe'", "web"),
        (["server", "add", "web", HERE], "is already servers[0]", "once"),
        (["server", "add", "web", "[::1]:80"], "of different families", "IPv6"),
        (["server", "add", "web", "web-1:80"], "'web-1' is not an IP address", "not resolved"),
        (["server", "add", "web", "1.2.3.4:99999"], "'99999' is not a port", "65535"),
        (["server", "set", "web", HERE], "nothing to set", "--weight"),
        (["server", "set", "web", HERE, "--weight", "65536"], "'65536' is not a weight", "65535"),
        (["server", "set", "web", HERE, "--weight", "9" * 5000], "is not a weight", "65535"),
        (["server", "set", "web", HERE, "--upper", "-1"], "not a number of connections", "0"),
        (["server", "set", "web", HERE, "--lower", "5"], "the lower threshold 5", "upper"),
        (["server", "set", "web", "1.2.3.4:80", "--weight", "1"], "no real server", HERE),
        (["server", "remove", "web", "1.2.3.4:80"], "no real server 1.2.3.4:80", HERE),
        (["status", "-o", "xml"], "'xml' is not a format", "table, json, yaml"),
        (["service", "add"], "missing argument 'NAME'", "lvsnat service add --help"),
        (["service", "list", "--colour"], "no such option: --colour", "service list --help"),
        (["server"], "missing command", "lvsnat server --help"),
        (["staus"], "no such command 'staus'", "lvsnat --help"),
    ],
    ids=" ".join,
)
def test_a_wrong_word(web: CommandLine, command: list[str], message: str, hint: str) -> None:
    before = (web.config, dict(web.kernel.state))

    result = web(*command)

    error, _, advice = result.stderr.rpartition("hint: ")
    assert result.exit_code == USAGE
    assert error.startswith("error: ")
    assert message in error
    assert hint in advice
    assert result.stdout == ""
    assert (web.config, web.kernel.state) == before


def test_a_configuration_that_is_not_toml(web: CommandLine) -> None:
    web.paths.config.write_text("mode = lvs-nat\n")

    result = web("plan")

    assert result.exit_code == USAGE
    assert f"error: {web.paths.config}:1:8: not TOML" in result.stderr


def test_every_problem_of_a_configuration_at_once(web: CommandLine) -> None:
    web.paths.config.write_text('mode = "nat"\ncolour = 1\n')

    result = web("server", "add", "web", "192.168.2.57:80")

    assert result.exit_code == USAGE
    assert "2 problems in" in result.stderr
    assert web.changes == []


def test_a_configuration_that_cannot_be_read(web: CommandLine) -> None:
    web.paths.config.unlink()
    web.paths.config.mkdir()

    result = web("service", "list")

    assert result.exit_code == FAILED
    assert f"error: cannot read {web.paths.config}: Is a directory" in result.stderr


class Closed(FakeBackend):
    """A kernel that shows nothing."""

    def observe(self, keys: Collection[Key]) -> Iterable[IpvsResource]:
        del keys
        raise LvsnatError("this kernel has no IPVS", "run 'sudo modprobe ip_vs'")


def test_a_kernel_without_ipvs(web: CommandLine) -> None:
    web.kernel = Closed()

    result = web("server", "add", "web", "192.168.2.57:80")

    assert result.exit_code == FAILED
    assert result.stderr == ("error: this kernel has no IPVS\nhint: run 'sudo modprobe ip_vs'\n")
    assert "192.168.2.57" not in web.config


def test_no_permission_to_change(web: CommandLine) -> None:
    web.kernel.refusals[Key("server", f"tcp/192.168.1.50:80 {HERE}")] = EPERM

    result = web("server", "set", "web", HERE, "--weight", "9")

    assert result.exit_code == FAILED
    assert "no permission" in result.stderr
    assert "run it as root" in result.stderr
    assert "weight = 3" in web.config


def test_another_command_at_work(web: CommandLine) -> None:
    with locked(web.paths.lock):
        result = web("apply", "--no-wait")

    assert result.exit_code == REFUSED
    assert "another lvsnat command is at work" in result.stderr


class Defective(FakeBackend):
    """A mistake in the program itself."""

    def observe(self, keys: Collection[Key]) -> Iterable[IpvsResource]:
        del keys
        raise ZeroDivisionError


def test_a_defect_keeps_its_traceback(web: CommandLine) -> None:
    web.kernel = Defective()

    result = web("plan")

    assert isinstance(result.exception, ZeroDivisionError)
