"""The `host` provider, which needs a kernel with IPVS: a lab within the lab."""

from __future__ import annotations

from pathlib import Path

import pytest
from labkit.outside import alive, descendants, lab, soon, start

pytestmark = pytest.mark.kernel


def test_it_is_chosen_where_ipvs_is() -> None:
    done = lab("run", "--", "sh", "-c", "echo $LVSNAT_LAB_KERNEL; exit 9")

    assert (done.returncode, done.stdout) == (9, "host\n"), done.stderr


def test_its_network_and_files_are_its_own(tmp_path: Path) -> None:
    script = (
        "ip link add lab-within type dummy; ipvsadm -A -t 192.0.2.1:80;"
        "touch /etc/lab-within /tmp/lab-within; ls /etc/lab-within; touch $LVSNAT_RESULTS/there"
    )

    done = lab("--kernel", "host", "--results", str(tmp_path), "run", "--", "sh", "-ec", script)

    assert (done.returncode, done.stdout) == (0, "/etc/lab-within\n"), done.stderr
    assert not Path("/etc/lab-within").exists()
    assert not Path("/tmp/lab-within").exists()  # noqa: S108
    assert not Path("/sys/class/net/lab-within").exists()
    assert "C0000201" not in Path("/proc/net/ip_vs").read_text()
    assert (tmp_path / "there").exists()


def test_topologies_work_in_it() -> None:
    script = (
        "python -m labkit up single-subnet && python -m labkit exec rs1 -- ping -c1 192.168.1.10"
    )

    done = lab("--kernel", "host", "run", "--", "sh", "-c", script)

    assert done.returncode == 0, done.stderr
    assert "1 received" in done.stdout


def test_a_timeout_ends_it_and_leaves_no_process(tmp_path: Path) -> None:
    script = "touch $LVSNAT_RESULTS/started; sleep 300 & sleep 300"
    process = start("--kernel", "host", "--timeout", "30", "--results", str(tmp_path),
                    "run", "--", "sh", "-c", script)  # fmt: skip
    assert soon((tmp_path / "started").exists)
    started = descendants(process.pid)

    process.communicate(timeout=240)

    assert process.returncode == 124
    assert started
    assert not alive(started)
