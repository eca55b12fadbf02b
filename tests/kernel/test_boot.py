"""Boot on a real kernel, with exactly the rights of the unit, and networks that come late."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lvsnat.director import ledgerfile
from lvsnat.director.units import Service
from lvsnat.system import Completed, run
from lvsnat.testing import network_apart

pytestmark = [pytest.mark.kernel]

CONFIG = """
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
scheduler = "wrr"
persistence = { timeout = 300, netmask = 24 }
servers = [{ address = "192.168.2.55:80", weight = 3 }, { address = "192.168.2.56:80" }]

[[service]]
name = "dns"
listen = "udp/[2001:db8:1::50]:53"
servers = [{ address = "[2001:db8:2::55]:53" }]

[[service]]
name = "ports"
listen = "tcp/192.168.1.51:80,443"
servers = [{ address = "192.168.2.55:0" }]

[host]
egress = "masquerade"
egress_networks = ["192.168.2.0/24"]

[ipvs]
timeouts = { tcp = "20m" }
"""
FORWARDING = "net.ipv4.ip_forward"


def done(*words: str) -> str:
    said = run(words)
    assert said.returncode == 0, (words, said.stderr)
    return said.stdout


def layout(*, networks: bool = True) -> None:
    """An interface, with its networks or before they have come."""
    done("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "peer0")
    done("ip", "link", "set", "peer0", "up")
    done("ip", "link", "set", "eth0", "up")
    if networks:
        networks_come()


def networks_come() -> None:
    done("ip", "address", "add", "192.168.1.10/24", "dev", "eth0")
    done("ip", "address", "add", "2001:db8:1::10/64", "dev", "eth0", "nodad")


def reboot(folder: Path) -> None:
    """Have the ledger be of another boot; a fresh network namespace is the rest of one."""
    path = folder / "state" / "ledger.json"
    path.write_text(ledgerfile.render(ledgerfile.load(path), "another boot"))


class Unit:
    """Runs lvsnat with the capabilities that the unit leaves, and no others."""

    def __init__(self, folder: Path) -> None:
        text = Service(("/usr/bin/lvsnat",)).render()
        [names] = re.findall(r"^CapabilityBoundingSet=(.*)$", text, re.MULTILINE)
        kept = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in names.split())
        self._command = [
            "env",
            f"LVSNAT_CONFIG={folder}/lvsnat.toml",
            f"LVSNAT_STATE_DIR={folder}/state",
            f"LVSNAT_RUN_DIR={folder}/run",
            *("setpriv", f"--bounding-set=-all,{kept}", "--inh-caps=-all", "--no-new-privs"),
            *(sys.executable, "-m", "lvsnat"),
        ]
        self._talk = folder / "stderr"

    def __call__(self, *words: str) -> Completed:
        return run([*self._command, *words], timeout=240)

    def once_it_says(self, text: str, then: Callable[[], None], *words: str) -> str:
        """Run it, and do something as soon as it says a text; all that it said."""
        with self._talk.open("w") as talk:
            process = subprocess.Popen([*self._command, *words], stderr=talk)
        while text not in self._talk.read_text() and process.poll() is None:
            time.sleep(0.1)
        then()
        assert process.wait(240) == 0, self._talk.read_text()
        return self._talk.read_text()


@pytest.fixture
def as_the_unit(tmp_path: Path) -> Unit:
    (tmp_path / "lvsnat.toml").write_text(CONFIG)
    return Unit(tmp_path)


def address_of(interface: str) -> str:
    return done("ip", "-brief", "address", "show", "dev", interface)


def test_the_rights_of_the_unit_are_enough_for_everything(as_the_unit: Unit) -> None:
    with network_apart():
        layout()

        applied = as_the_unit("apply", "--boot")

        assert (applied.returncode, applied.stderr.splitlines()[0].split()[1]) == (0, "created,")
        assert as_the_unit("plan", "--exit-code").returncode == 0
        assert done("sysctl", "-n", FORWARDING) == "1\n"
        assert "inet lvsnat" in done("nft", "list", "tables")
        assert "192.168.1.50/32" in address_of("eth0")
        assert len(done("ipvsadm", "-Sn").splitlines()) == 7


def test_a_network_that_comes_late_gets_its_vips(as_the_unit: Unit) -> None:
    with network_apart():
        layout(networks=False)
        waiting = "waiting: for a network that holds 192.168.1.50 ("

        said = as_the_unit.once_it_says(waiting, networks_come, "apply", "--boot")

        assert waiting in said
        assert "warning: a network" not in said
        assert "192.168.1.50/32" in address_of("eth0")
        assert "2001:db8:1::50/128" in address_of("eth0")


def test_after_a_reboot_all_is_made_again_and_the_new_originals_are_put_back(
    as_the_unit: Unit, tmp_path: Path
) -> None:
    with network_apart():
        layout()
        assert as_the_unit("apply", "--boot").returncode == 0
        assert '"net.ipv4.ip_forward": "0' in (tmp_path / "state/ledger.json").read_text()
    reboot(tmp_path)

    with network_apart():
        layout()
        # This time sysctl.d switches it on, before lvsnat comes.
        done("sysctl", "-qw", f"{FORWARDING}=1")

        assert as_the_unit("apply", "--boot").returncode == 0
        assert as_the_unit("plan", "--exit-code").returncode == 0
        assert as_the_unit("clear", "--yes").returncode == 0
        assert done("sysctl", "-n", FORWARDING) == "1\n"
        assert done("ipvsadm", "-Sn") == ""


def test_what_others_made_before_us_is_not_ours_after_a_reboot(
    as_the_unit: Unit, tmp_path: Path
) -> None:
    with network_apart():
        layout()
        assert as_the_unit("apply", "--boot").returncode == 0
    reboot(tmp_path)

    with network_apart():
        layout()
        done("ipvsadm", "-A", "-t", "192.168.1.50:80", "-s", "wrr")
        before = done("ipvsadm", "-Sn")
        (tmp_path / "lvsnat.toml").write_text("")

        assert as_the_unit("apply", "--boot").returncode == 0
        assert done("ipvsadm", "-Sn") == before
