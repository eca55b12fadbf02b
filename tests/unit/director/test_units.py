"""The systemd unit: its text, what systemd says of it, and whether a hand has changed it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from lvsnat.config.parse import parse_config
from lvsnat.director import units
from lvsnat.director.units import ProxyService, Service
from lvsnat.haproxy.process import Files
from lvsnat.model.config import Config
from lvsnat.system import Completed, run

EXPOSURE = 24
"""An upper bound for what systemd-analyze(1) calls the exposure level, in tenths: 2.3 with 252.

A quarter of it is that root must set up the host's own network.
"""
# Verifying asks whether the program is there; true(1) is, everywhere.
TRUE = shutil.which("true") or "/bin/true"
MOVED = Service(
    ("/bin/sh", "-c", 'a "b" \\ 100% $x'),
    {"LVSNAT_CONFIG": "/srv/a b/100%.toml"},
    [Path("/srv/a b")],
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A unit on the disk."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    path = tmp_path / units.NAME
    path.write_text(Service((TRUE,)).render())
    return path


def analyzed(*words: str | Path) -> Completed:
    return run(["systemd-analyze", "--no-pager", *map(str, words)])


def test_systemd_finds_nothing_wrong(unit: Path) -> None:
    done = analyzed("verify", unit)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_reads_any_path(unit: Path) -> None:
    unit.write_text(MOVED.render())

    done = analyzed("verify", unit)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_mistake_in_a_unit_is_noticed(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystem=stict"))

    # In one form of words or another, as the version of systemd has it.
    assert re.search(rf"{units.NAME}:\d+: .*stict", analyzed("verify", unit).stderr)


def test_the_unit_leaves_little_exposed(unit: Path) -> None:
    threshold = f"--threshold={EXPOSURE}"

    done = analyzed("security", "--offline=true", threshold, unit)

    assert done.returncode == 0, done.stdout.splitlines()[-1:]


def test_the_unit_has_one_capability() -> None:
    lines = Service(("/usr/bin/lvsnat",)).render().splitlines()

    assert [one for one in lines if one.startswith("CapabilityBoundingSet")] == [
        "CapabilityBoundingSet=CAP_NET_ADMIN"
    ]


def test_the_unit_starts_the_program_that_it_is_given() -> None:
    text = Service(("/opt/venv/bin/python", "-m", "lvsnat")).render()

    assert "\nExecStart=/opt/venv/bin/python -m lvsnat apply --boot\n" in text
    assert "\nExecReload=/opt/venv/bin/python -m lvsnat apply --detach\n" in text
    assert "\nExecStop" not in text
    assert re.findall("@[A-Z]", text) == []


def test_files_in_other_places_are_named_and_writable() -> None:
    text = MOVED.render()

    assert '\nEnvironment="LVSNAT_CONFIG=/srv/a b/100%%.toml"\n' in text
    assert '\nReadWritePaths=/etc/lvsnat "-/srv/a b"\n' in text
    assert '\nExecStart=/bin/sh -c "a \\"b\\" \\\\ 100%% $$x" apply --boot\n' in text


def test_a_unit_is_as_written_until_somebody_changes_it() -> None:
    text = Service(("/usr/bin/lvsnat",)).render()

    assert units.is_as_written(text)
    assert units.is_as_written(MOVED.render())
    assert not units.is_as_written(text.replace("2min", "3min"))
    assert not units.is_as_written(text + "# mine\n")
    assert not units.is_as_written("[Service]\nExecStart=/bin/true\n")


def test_the_first_configuration_asks_for_nothing() -> None:
    assert parse_config(units.starter(), "starter") == Config()


def test_the_examples_in_the_first_configuration_are_right() -> None:
    lines = [line.removeprefix("# ") for line in units.starter().splitlines()[3:]]

    config = parse_config("\n".join(lines), "starter")

    assert [service.name for service in config.services] == ["web"]
    assert config.host.vip_interface == "eth0"


@pytest.fixture
def daemon_unit(unit: Path) -> Path:
    """The daemon's unit on the disk, beside the one that it comes after."""
    path = unit.with_name(units.DAEMON_NAME)
    path.write_text(Service((TRUE,)).render_daemon())
    return path


def test_systemd_finds_nothing_wrong_with_the_daemons_unit(daemon_unit: Path) -> None:
    done = analyzed("verify", daemon_unit)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_daemons_unit_leaves_little_exposed(daemon_unit: Path) -> None:
    done = analyzed("security", "--offline=true", "--threshold=30", daemon_unit)

    assert done.returncode == 0, done.stdout.splitlines()[-1:]


def test_the_daemons_unit_starts_it_and_tells_it_to_read_anew() -> None:
    text = Service(("/opt/venv/bin/python", "-m", "lvsnat")).render_daemon()

    assert "\nExecStart=/opt/venv/bin/python -m lvsnat run\n" in text
    assert "\nExecReload=/bin/kill -HUP $MAINPID\n" in text
    assert "\nCapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW\n" in text
    assert "\nAfter=lvsnat.service" in text
    # Real servers are anywhere.
    assert "IPAddressDeny" not in text
    assert units.is_as_written(text)
    assert re.findall("@[A-Z]", text) == []


PROXY = Files(Path("/srv/a b/haproxy.cfg"), Path("/run/lvsnat/haproxy"))


@pytest.fixture
def proxy_unit(unit: Path) -> Path:
    """HAProxy's unit on the disk."""
    path = unit.with_name(units.PROXY_NAME)
    path.write_text(ProxyService(PROXY, TRUE).render())
    return path


def test_systemd_finds_nothing_wrong_with_haproxys_unit(proxy_unit: Path) -> None:
    done = analyzed("verify", proxy_unit)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_haproxys_unit_leaves_little_exposed(proxy_unit: Path) -> None:
    done = analyzed("security", "--offline=true", "--threshold=20", proxy_unit)

    assert done.returncode == 0, done.stdout.splitlines()[-1:]


def test_haproxys_unit_runs_what_we_run_and_stops_softly() -> None:
    text = ProxyService(PROXY, "/usr/sbin/haproxy").render()

    assert '\nExecStart=/usr/sbin/haproxy -W -C / -f "/srv/a b/haproxy.cfg" -S' in text
    assert "\nKillSignal=SIGUSR1\n" in text
    assert "\nUser=haproxy\n" in text
    # What it makes itself is missing when its first command is started.
    assert "\nReadWritePaths=-/run/lvsnat/haproxy\n" in text
    assert "\nAmbientCapabilities=CAP_NET_RAW CAP_NET_BIND_SERVICE\n" in text
    # Only lvsnat starts it, and while it does, waits for it.
    assert "[Install]" not in text
    assert "\nAfter=lvsnat" not in text
    assert units.is_as_written(text)
    assert re.findall("@[A-Z]", text) == []
