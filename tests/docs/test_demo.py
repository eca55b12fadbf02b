"""The demo goes as it says, and notices where it does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import walkthrough
from labkit.topology import dual_subnet
from terminal import Terminal, UntrueError

from lvsnat.system import run

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

pytestmark = pytest.mark.kernel


@pytest.mark.timeout(1800)
def test_the_demo_shows_both_layouts() -> None:
    done = run([sys.executable, str(SCRIPTS / "walkthrough.py")], timeout=1700)

    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout.splitlines()
    for protocol in ("tcp", "udp"):
        for server in ("rs1", "rs2"):
            assert shown.count(f"{server} {protocol}: 203.0.113.10, 203.0.113.10") == 2
    assert "scripts/lab shell" in shown[-3]


def test_a_demo_in_which_a_server_sees_another_address_fails() -> None:
    with dual_subnet(ipv6=False) as net:
        hide_the_client = (
            "add table ip t; add chain ip t c { type nat hook postrouting priority 0; }"
        )
        net.vpc.run("nft", hide_the_client)
        net.vpc.run("nft", "add rule ip t c masquerade")

        with pytest.raises(UntrueError, match="client's own address"):
            walkthrough.tell(Terminal(put=lambda _text: None), net)
