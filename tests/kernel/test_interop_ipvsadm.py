"""The real ipvsadm as the oracle: what it saves we read, and what we write it restores."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lvsnat.cli.context import Session
from lvsnat.cli.main import app
from lvsnat.director.director import Director
from lvsnat.director.paths import Paths
from lvsnat.ipvs.backend import IpvsBackend
from lvsnat.model.service import Scheduler
from lvsnat.system import run
from lvsnat.testing import network_apart

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("needs_ipvs")]

SCHEDULERS = [str(one) for one in Scheduler if one is not Scheduler.TWOS]
"""No distribution builds the module of twos."""
FLAGS = {"sh": ["sh-fallback", "sh-port"], "mh": ["mh-fallback", "mh-port"]}


@pytest.fixture
def needs_ipvs() -> None:
    if run(["ipvsadm", "-Ln"]).returncode != 0:
        pytest.skip("needs root and a kernel with IPVS: run it with scripts/lab or sudo")


def ipvsadm(*arguments: str, stdin: str | None = None) -> str:
    done = run(["ipvsadm", *arguments], stdin=stdin)
    assert done.returncode == 0, f"ipvsadm {' '.join(arguments)}\n{done.stderr}\n{stdin}"
    return done.stdout


def table() -> dict[str, str]:
    """All that ipvsadm can tell of the configuration of this network's IPVS."""
    return {
        "rules": ipvsadm("-Sn"),
        "limits": "\n".join(limits()),
        "timeouts": ipvsadm("-Ln", "--timeout"),
    }


def limits() -> Iterator[str]:
    """Each server with its service and its thresholds."""
    service = ""
    for line in ipvsadm("-Ln", "--thresholds").splitlines()[3:]:
        words = line.split()
        if words[0] == "->":
            yield f"{service} {' '.join(words[1:4])}"
        else:
            service = " ".join(words)


def unordered(seen: dict[str, str]) -> dict[str, list[str]]:
    """A table in no order: ipvsadm's own goes in circles where differences wrap (see order.py)."""
    return {name: sorted(text.splitlines()) for name, text in seen.items()}


def lvsnat(folder: Path, *arguments: str) -> str:
    """Run a command on this network's IPVS, with the files of a folder."""
    backend = IpvsBackend()
    paths = Paths(folder / "lvsnat.toml", folder / "state", folder / "run")
    session = Session(lambda _environment, _config: Director(paths, backend))
    try:
        result = CliRunner().invoke(app, arguments, obj=session)
    finally:
        backend.close()
    assert result.exit_code == 0, result.output
    return result.stdout


@dataclass(frozen=True)
class Spread:
    """How far apart numbers are: a difference of 2**31 and more is negative to ipvsadm."""

    networks: tuple[int, ...]
    networks6: tuple[str, ...]
    last_mark: int


NEAR = Spread((10, 100, 120), ("2001:db8:", "fd00:", ":ffff"), 2**31 - 1)
FAR = Spread((10, 100, 192, 203), ("2001:db8:", "fd00:", "8000:", ":ffff"), 2**32 - 1)


def random_rules(seed: int, spread: Spread) -> str:
    """Rules that both programs take: masquerading, thresholds, every kind of listener."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    lines: list[str] = []
    for listen, six in sorted(set(random_listeners(chance, spread))):
        scheduler = chance.choice(SCHEDULERS)
        words = ["-A", listen, "-s", scheduler]
        if chance.random() < 0.5:
            words += ["-p", str(chance.choice([1, 60, 360, 2678400]))]
            if chance.random() < 0.5:
                words += ["-M", chance.choice(["1", "64"] if six else ["255.0.0.0", "255.255.0.0"])]
            if listen.startswith("-u") and chance.random() < 0.5:
                words += ["--pe", "sip"]
        flags = [flag for flag in FLAGS.get(scheduler, []) if chance.random() < 0.5]
        if flags:
            words += ["-b", ",".join(flags)]
        lines.append(" ".join(words))
        lines += random_servers(chance, spread, listen, six=six)
    return "\n".join(lines) + "\n"


def random_listeners(chance: random.Random, spread: Spread) -> Iterator[tuple[str, bool]]:
    for _ in range(12):
        kind = chance.choice(["-t", "-u", "--sctp-service", "-f"])
        six = chance.random() < 0.4
        if kind == "-f":
            yield f"-f {chance.randint(1, spread.last_mark)}{' -6' if six else ''}", six
            continue
        host = f"{chance.choice(spread.networks)}.0.1.{chance.randint(1, 9)}"
        if six:
            network = chance.choice(spread.networks6)
            low = chance.randint(1, 2**16 - 1)
            host = f"[:{network}:{host}]" if network == ":ffff" else f"[{network}:{low:x}]"
        yield f"{kind} {host}:{chance.choice([53, 80, 443, 5060])}", six


def random_servers(
    chance: random.Random, spread: Spread, listen: str, *, six: bool
) -> Iterator[str]:
    for number in chance.sample(range(1, 99), chance.randint(0, 6)):
        network = chance.choice(spread.networks)
        host = f"[fd02:{number:x}::{number:x}]" if six else f"{network}.2.0.{number}"
        upper = chance.choice([0, 0, 1, 1000])
        limit = f" -x {upper} -y {chance.randint(0, upper)}" if upper else ""
        yield f"-a {listen} -r {host}:{number} -m -w {chance.randint(0, 65535)}{limit}"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("spread", [NEAR, FAR], ids=["near", "far"])
def test_a_table_is_imported_live_and_made_again_elsewhere(
    tmp_path: Path, spread: Spread, seed: int
) -> None:
    with network_apart():
        ipvsadm("-R", stdin=f"{random_rules(seed, spread)}--set 1800 30 60\n")
        before = table()
        lvsnat(tmp_path, "import", "ipvsadm", "--live")

    with network_apart():
        lvsnat(tmp_path, "apply")
        after = table()

    before["timeouts"] = after["timeouts"]  # read by the import; 'apply' does not make them yet
    assert unordered(after) == unordered(before)
    assert spread is FAR or after == before


@pytest.mark.parametrize("seed", range(6))
def test_an_export_is_what_ipvsadm_saves(tmp_path: Path, seed: int) -> None:
    rules = random_rules(seed, replace(FAR, last_mark=2**31 - 1))
    with network_apart():
        ipvsadm("-R", stdin=rules)
        saved, text, saved_after = "", "", None
        # A kernel whose table grows with what it holds rehashes it soon after it was filled:
        # that changes what ipvsadm sorts, and so how it lists what goes in circles.
        while saved_after != saved:
            saved = ipvsadm("-Sn")
            text = lvsnat(tmp_path, "export", "ipvsadm", "--live", "--without-thresholds")
            saved_after = ipvsadm("-Sn")

    assert text == saved


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("spread", [NEAR, FAR], ids=["near", "far"])
def test_ipvsadm_restores_an_export_with_all_that_its_own_save_forgets(
    tmp_path: Path, spread: Spread, seed: int
) -> None:
    with network_apart():
        ipvsadm("-R", stdin=f"{random_rules(seed, spread)}--set 1800 30 60\n")
        before = table()
        live = lvsnat(tmp_path, "export", "ipvsadm", "--live")
        lvsnat(tmp_path, "import", "ipvsadm", "--live")
    text = lvsnat(tmp_path, "export", "ipvsadm")

    for exported in (live, text):
        with network_apart():
            ipvsadm("-R", stdin=exported)
            after = table()

        assert unordered(after) == unordered(before)
        assert spread is FAR or after == before


def test_what_others_made_is_exported_as_ipvsadm_saves_it(tmp_path: Path) -> None:
    with network_apart():
        ipvsadm(
            "-R",
            stdin=(
                "-A -t 10.7.1.1:80 -s rr -b flag-1,flag-2,flag-3\n"
                "-a -t 10.7.1.1:80 -r 9.9.9.1 -g\n"
                "-a -t 10.7.1.1:80 -r 9.9.9.2 -i\n"
                "-a -t 10.7.1.1:80 -r 9.9.9.3 -i --tun-type gue --tun-port 6080 --tun-remcsum\n"
                "-a -t 10.7.1.1:80 -r 9.9.9.4 -i --tun-type gue --tun-port 6080 --tun-csum\n"
                "-a -t 10.7.1.1:80 -r 9.9.9.5 -i --tun-type gre\n"
                "-a -t 10.7.1.1:80 -r 127.0.0.1 -m\n"
                "-A -u 10.7.1.2:5060 -s rr -o -p 60 -M 255.0.255.0 --pe sip\n"
                "-A -u 0.0.0.0:53 -s rr -o\n"
                "-A -t [::1.2.3.4]:80 -s sh -b sh-port\n"
            ),
        )
        before = table()

        text = lvsnat(tmp_path, "export", "ipvsadm", "--live")

    assert text == before["rules"]
    with network_apart():
        ipvsadm("-R", stdin=text)
        assert table() == before


def test_a_save_that_ipvsadm_cannot_restore_is_imported(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    with network_apart():
        ipvsadm("-A", "-f", "4294967295", "-s", "rr")
        ipvsadm("-a", "-f", "4294967295", "-r", "10.0.0.2:0", "-m")
        rules.write_text(ipvsadm("-Sn"))
    assert "-f -1" in rules.read_text()

    with network_apart():
        assert run(["ipvsadm", "-R"], stdin=rules.read_text()).returncode != 0
        lvsnat(tmp_path, "import", "ipvsadm", str(rules), "--apply")

        assert ipvsadm("-Sn") == rules.read_text()


def test_a_save_with_names_of_ports_is_imported(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    with network_apart():
        ipvsadm("-R", stdin="-A -t 10.7.1.1:80 -s rr\n-A -u 10.7.1.1:53 -s rr\n")
        ipvsadm("-a", "-t", "10.7.1.1:80", "-r", "10.0.0.2:443", "-m")
        rules.write_text(ipvsadm("-S"))
        numeric = ipvsadm("-Sn")
    assert "10.7.1.1:domain" in rules.read_text()

    lvsnat(tmp_path, "import", "ipvsadm", str(rules))

    assert lvsnat(tmp_path, "export", "ipvsadm") == numeric


def test_a_bad_line_in_the_middle_leaves_the_kernel_as_it_was(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.write_text("-A -t 10.7.1.1:80 -s rr\n-A -t 10.7.1.1:81 -s rrr\n-A -t 10.7.1.1:82\n")
    with network_apart():
        ipvsadm("-A", "-t", "10.7.9.9:80", "-s", "wrr")
        before = table()

        with pytest.raises(AssertionError, match=r"rules:2: 'rrr' is not a scheduler"):
            lvsnat(tmp_path, "import", "ipvsadm", str(rules), "--apply")

        assert table() == before


def test_what_exists_is_adopted_without_a_change(tmp_path: Path) -> None:
    with network_apart():
        ipvsadm("-A", "-t", "10.7.9.9:80", "-s", "wrr")
        ipvsadm("-a", "-t", "10.7.9.9:80", "-r", "10.0.0.2:80", "-m", "-x", "9")
        before = table()

        shown = lvsnat(tmp_path, "import", "ipvsadm", "--live", "--apply", "--adopt")

        assert shown == ""
        assert table() == before
        assert lvsnat(tmp_path, "plan") == "in sync: nothing to do\n"
