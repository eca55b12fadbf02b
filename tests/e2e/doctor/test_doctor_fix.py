"""lvsnat doctor --fix: what was changed by hand is as configured again, and nothing else moves."""

from __future__ import annotations

import json

import pytest
from e2e import warm
from e2e.conftest import TOPOLOGIES, ipvsadm
from e2e.doctor.ailing import configure, of_ipv6, serve, service
from e2e.doctor.causes import AT_ONCE, looked, told
from e2e.typed import typed
from labkit.topology import Network

pytestmark = pytest.mark.e2e

QUICK = ("--seconds", AT_ONCE, "--skip", "servers")


def drift(net: Network, mode: str) -> set[str]:
    """Change things of several kinds by hand; the codes that tell of them."""
    net.director.run("ip", "address", "del", f"{net.vip}/32", "dev", "eth0")
    net.director.run("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv4.conf.all.send_redirects=1",
                     "net.ipv6.conf.all.forwarding=0")  # fmt: skip
    codes = {"VIP_MISSING", "IP_FORWARD", "SEND_REDIRECTS"}
    if mode == "lvs-nat":
        ipvsadm(net, "-d", "-t", f"{net.vip}:80", "-r", f"{net.rs(1).address}:8080")
        ipvsadm(net, "-e", "-t", f"{net.vip}:80", "-r", f"{net.rs(2).address}:8080", "-m",
                "-w", "7")  # fmt: skip
        ipvsadm(net, "-D", "-t", f"[{net.vip6}]:80")
        return codes | {"NOT_APPLIED"}
    net.director.run("ip", "rule", "del", "pref", "100")
    net.director.run("nft", "delete", "table", "inet", "lvsnat")
    return codes


def fix(net: Network, *words: str, code: int = 0) -> tuple[str, str]:
    """What it answers, and what it says beside that."""
    done = warm.run(net.director, "doctor", "--fix", *QUICK, *words, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("mode", ["lvs-nat", "haproxy-tproxy"])
@pytest.mark.parametrize("layout", TOPOLOGIES)
def test_what_was_changed_by_hand_is_repaired(layout: str, mode: str) -> None:
    with TOPOLOGIES[layout](servers=2) as net:
        for rs in net.servers:
            rs.serve_tcp(8080)
        configure(net, f'mode = "{mode}"\n' + service(net) + of_ipv6(net))
        codes = drift(net, mode)
        before = looked(net, *QUICK[2:])
        assert codes <= {one["code"] for one in before}

        assert "--yes answers; nothing was changed" in fix(net, code=4)[1]
        assert looked(net, *QUICK[2:]) == before
        assert "dry run: nothing was changed" in fix(net, "--dry-run", code=1)[1]
        assert looked(net, *QUICK[2:]) == before

        report, _ = fix(net, "--yes")

        assert report.endswith("\nnothing found\n")
        assert looked(net) == []
        assert net.client.ask_tcp(net.vip, 80).client == net.client.address


def test_only_what_is_asked_for_is_repaired_and_a_person_may_be_asked(dual: Network) -> None:
    serve(dual)
    drift_codes = drift_without_ipv6(dual)
    assert told(looked(dual, *QUICK[2:])) == drift_codes

    document = json.loads(fix(dual, "--only", "VIP_MISSING", "--yes", "-o", "json")[0])
    assert document["findings"] == []
    assert document["fix"]["repaired"] == ["VIP_MISSING"]
    assert document["fix"]["applied"] is True
    assert told(looked(dual, *QUICK[2:])) == "IP_FORWARD broken"

    words = dual.director.command("lvsnat", "doctor", "--fix", *QUICK)
    for answer, code in (("n\n", 4), ("y\n", 0)):
        with typed(words, dual.director.environment()) as terminal:
            terminal.expect("Make these changes? [y/N]")
            terminal.type(answer)
            assert terminal.end() == code
    assert looked(dual) == []


def drift_without_ipv6(net: Network) -> str:
    net.director.run("ip", "address", "del", f"{net.vip}/32", "dev", "eth0")
    net.director.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
    return "VIP_MISSING broken, IP_FORWARD broken"


def test_what_is_unsafe_stays_refused_and_what_no_plan_does_stays_a_persons(dual: Network) -> None:
    serve(dual)
    path = dual.director.home / "lvsnat.toml"
    path.write_text(path.read_text().replace(':8080" }', ':8080", weight = 0 }'))
    dual.director.run("sysctl", "-qw", "net.ipv4.conf.all.send_redirects=1",
                      "net.ipv4.vs.conn_reuse_mode=0")  # fmt: skip
    before = ipvsadm(dual, "-Sn")

    _, said = fix(dual, "--yes", code=4)
    assert "left without a server that takes connections" in said
    assert "lvsnat apply --force" in said
    assert ipvsadm(dual, "-Sn") == before
    assert "SEND_REDIRECTS risk" in told(looked(dual))

    fix(dual, "--yes", "--skip", "NOT_APPLIED")
    assert ipvsadm(dual, "-Sn") == before
    assert told(looked(dual, "--skip", "NOT_APPLIED")) == "CONN_REUSE risk"
    assert "nothing of this is repaired by a plan" in fix(dual, "--yes", "--skip", "NOT_APPLIED")[1]
