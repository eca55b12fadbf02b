"""Changes that ask, refuse, revert and wait: real processes, real terminals, the real kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest
from e2e import warm
from e2e.typed import CTRL_C, CTRL_D, ENTER, Typed, typed

from lvsnat.director.director import Director, Options, Text
from lvsnat.director.paths import Paths
from lvsnat.errors import ExitCode, LvsnatError
from lvsnat.host.backend import HostBackend
from lvsnat.ipvs.backend import IpvsBackend
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.service import RealServer
from lvsnat.plan.guard import Risk
from lvsnat.testing import network_apart

pytestmark = pytest.mark.e2e

FOREIGN = "-A -u 10.9.9.9:53 -s rr"
HOST = "[host]\nblock_imds = false\n"
ASKED = "ENTER keeps this"


def service(number: int, *weights: int) -> str:
    servers = ", ".join(
        f'{{ address = "10.2.{index}.{number}:80", weight = {weight} }}'
        for index, weight in enumerate(weights)
    )
    return (
        f'[[service]]\nname = "s{number}"\nlisten = "tcp/10.1.0.1:{8000 + number}"\n'
        f"servers = [{servers}]\n"
    )


BEFORE = HOST + "".join(service(number, 1, 1) for number in (1, 2))
AFTER = HOST + "# tried\n" + service(1, 5, 5) + service(3, 1)


class Box:
    """A network namespace with a director in it, and a stranger's service."""

    def __init__(self, folder: Path, ipvs: IpvsBackend) -> None:
        self.folder = folder
        self.paths = Paths(folder / "etc/lvsnat.toml", folder / "state", folder / "run")
        self.director = Director(self.paths, ipvs, [HostBackend()])
        self.environment = {
            **os.environ,
            "LVSNAT_CONFIG": str(self.paths.config),
            "LVSNAT_STATE_DIR": str(self.paths.state),
            "LVSNAT_RUN_DIR": str(self.paths.run),
        }

    def apply(self, text: str) -> None:
        with self.director.applying(Options(), Text(text, "test")) as transaction:
            transaction.carry_out(lambda _: None, accepted=tuple(Risk))

    def write(self, text: str) -> str:
        path = self.folder / "new.toml"
        path.write_text(text)
        return str(path)

    def run(self, *arguments: str, code: int = 0, **variables: str) -> str:
        """Run lvsnat without a terminal and insist on its exit code; what it said on stderr."""
        done = warm.run_here(arguments, {**self.environment, **variables})
        assert done.returncode == code, f"{arguments}\n{done.stdout}{done.stderr}"
        return done.stderr

    def typed(self, *arguments: str) -> AbstractContextManager[Typed]:
        return typed(["lvsnat", *arguments], self.environment)

    def kernel(self) -> list[str]:
        return sorted(tool("ipvsadm", "-Sn").splitlines())

    def everything(self) -> tuple[object, ...]:
        """What a change that was taken back must not have moved."""
        files = (self.paths.config, self.paths.overrides, self.paths.ledger)
        return (
            self.kernel(),
            tool("ip", "-o", "-4", "address"),
            tool("sysctl", "-a", "--pattern", r"^net\.ipv4\.(conf|vs|ip_forward)"),
            *(path.read_text() if path.exists() else "" for path in files),
        )


def tool(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    ipvs = IpvsBackend()
    with network_apart():
        tool("ip", "address", "add", "192.168.7.1/24", "dev", "lo")
        tool("ipvsadm", *FOREIGN.split())
        box = Box(tmp_path, ipvs)
        box.apply(BEFORE)
        yield box
        ipvs.close()


def test_enter_keeps_what_is_tried(box: Box) -> None:
    with box.typed("try", box.write(AFTER)) as terminal:
        terminal.expect(ASKED)
        terminal.type(ENTER)
        assert terminal.end() == ExitCode.DONE

    assert box.paths.config.read_text() == AFTER
    assert any("10.1.0.1:8003" in line for line in box.kernel())
    assert not box.paths.trial.exists()


@pytest.mark.parametrize(
    ("act", "codes"),
    [
        (lambda terminal: terminal.type(f"no{ENTER}"), {ExitCode.FAILED}),
        (lambda terminal: terminal.type(CTRL_D), {ExitCode.FAILED}),
        (lambda terminal: terminal.type(CTRL_C), {130}),
        (lambda terminal: terminal.kill(signal.SIGTERM), {130}),
        # The end of input may be seen first. The signal then comes while all is taken back, or
        # after that, when it ends lvsnat as it ends every program.
        (lambda terminal: terminal.hang_up(), {ExitCode.FAILED, 130, -signal.SIGHUP}),
    ],
    ids=["another answer", "end of file", "Ctrl-C", "kill", "terminal gone"],
)
def test_whatever_is_not_enter_takes_it_back(
    box: Box, act: Callable[[Typed], None], codes: set[int]
) -> None:
    before = box.everything()

    with box.typed("try", box.write(AFTER), "--timeout", "5m") as terminal:
        terminal.expect(ASKED)
        during = box.kernel()
        act(terminal)
        code = terminal.end()

    assert code in codes, terminal.said
    assert during != before[0]
    assert box.everything() == before
    assert not box.paths.trial.exists()


def test_silence_takes_it_back(box: Box) -> None:
    before = box.everything()

    with box.typed("try", box.write(AFTER), "--timeout", "3") as terminal:
        code = terminal.end()

    assert code == ExitCode.FAILED, terminal.said
    # A change is told of once the kernel has confirmed it.
    assert terminal.said.index("weight 1 → 5") < terminal.said.index(ASKED)
    assert box.everything() == before
    assert not box.paths.trial.exists()


def test_a_trial_that_was_killed_is_mentioned_and_taken_back(box: Box) -> None:
    kernel, text = box.kernel(), box.paths.config.read_text()
    with box.typed("try", box.write(AFTER)) as terminal:
        terminal.expect(ASKED)
        terminal.kill(signal.SIGKILL)
        terminal.end()

    mentioned = box.run("plan")
    box.run("try", "--revert")

    assert "was cut off and its changes may stand" in mentioned
    assert (box.kernel(), box.paths.config.read_text()) == (kernel, text)
    assert not box.paths.trial.exists()


def test_while_one_asks_the_other_waits_or_says_for_whom(box: Box) -> None:
    with box.typed("try", box.write(AFTER), "--timeout", "5m") as terminal:
        terminal.expect(ASKED)
        refused = box.run("apply", "--no-wait", code=ExitCode.REFUSED)
        waiting = subprocess.Popen(
            ["lvsnat", "server", "set", "s3", "10.2.0.3:80", "--weight", "9"],
            env=box.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        with waiting:
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(5)
            terminal.type(ENTER)
            assert terminal.end() == ExitCode.DONE
            said, _ = waiting.communicate(timeout=240)

    assert f"another lvsnat command is at work (process {terminal.pid}:" in refused
    assert "lvsnat try" in refused
    assert waiting.returncode == ExitCode.DONE
    assert said == "~ server 10.2.0.3:80 of tcp/10.1.0.1:8003  weight 1 → 9\n"


def test_clear_asks_and_takes_away_what_is_ours(box: Box) -> None:
    before = box.everything()
    with box.typed("clear") as terminal:
        terminal.expect("Take all of this away? [y/N]")
        terminal.type(ENTER)
        assert terminal.end() == ExitCode.REFUSED
    assert box.everything() == before

    with box.typed("clear") as terminal:
        terminal.expect("Take all of this away? [y/N]")
        terminal.type(f"y{ENTER}")
        assert terminal.end() == ExitCode.DONE

    assert [line.strip() for line in box.kernel()] == [FOREIGN]
    assert "10.1.0.1" not in tool("ip", "-o", "-4", "address")
    assert tool("sysctl", "-n", "net.ipv4.ip_forward").strip() == "0"
    assert box.paths.config.read_text() == BEFORE


def test_clear_that_cuts_the_ssh_session_needs_force(box: Box) -> None:
    session = "203.0.113.10 50000 10.1.0.1 22"

    refused = box.run("clear", "--yes", code=ExitCode.REFUSED, SSH_CONNECTION=session)
    assert "address 10.1.0.1 carries the ssh connection that this runs in" in refused
    assert len(box.kernel()) == 7

    box.run("clear", "--yes", "--force", SSH_CONNECTION=session)
    assert len(box.kernel()) == 1


def test_emptying_a_service_needs_force(box: Box) -> None:
    emptied = box.write(BEFORE.replace("weight = 1", "weight = 0", 2))
    before = box.everything()

    refused = box.run("apply", emptied, code=ExitCode.REFUSED)
    assert "service tcp/10.1.0.1:8001 is left without a server" in refused
    assert box.everything() == before

    box.run("apply", emptied, "--force")
    assert "-a -t 10.1.0.1:8001 -r 10.2.0.1:80 -m -w 0" in map(str.strip, box.kernel())


def test_removing_more_than_a_third_needs_force(box: Box) -> None:
    box.apply(HOST + "".join(service(number, 1) for number in range(1, 11)))
    fewer = box.write(HOST + "".join(service(number, 1) for number in range(1, 5)))
    before = box.everything()

    refused = box.run("apply", fewer, code=ExitCode.REFUSED)
    assert "12 of 20 services and servers would be removed" in refused
    assert box.everything() == before

    box.run("apply", fewer, "--force")
    assert len(box.kernel()) == 9


def test_a_plan_that_was_looked_at_is_applied_or_refused(box: Box) -> None:
    expected = box.director.planned().plan.fingerprint
    tool("ipvsadm", "-e", "-t", "10.1.0.1:8001", "-r", "10.2.0.1:80", "-m", "-w", "7")
    moved = box.kernel()

    refused = box.run("apply", "--expect", expected, code=ExitCode.REFUSED)

    assert "something has moved" in refused
    assert box.kernel() == moved


def test_a_stranger_with_servers_is_taken_over_whole(box: Box) -> None:
    tool("ipvsadm", "-A", "-t", "10.1.0.1:8003", "-s", "rr")
    tool("ipvsadm", "-a", "-t", "10.1.0.1:8003", "-r", "10.3.0.1:80", "-m")
    add = ("service", "add", "s3", "tcp/10.1.0.1:8003", "--server", "10.2.0.3:80")

    assert "made by somebody else" in box.run(*add, code=ExitCode.REFUSED)
    box.run(*add, "--adopt")

    assert [line.strip() for line in box.kernel() if "8003" in line] == [
        "-A -t 10.1.0.1:8003 -s wlc",
        "-a -t 10.1.0.1:8003 -r 10.2.0.3:80 -m -w 1",
    ]


def test_ctrl_c_in_the_middle_takes_all_of_it_back(box: Box) -> None:
    listen = "tcp/10.1.0.1"
    many = "".join(
        f'[[service]]\nname = "m{port}"\nlisten = "{listen}:{port}"\n'
        for port in range(10000, 14000)
    )
    before = box.everything()
    # Whoever is nice gives way to us, so that it is still at it when the signal comes.
    with subprocess.Popen(
        ["nice", "-n", "19", "lvsnat", "apply", box.write(BEFORE + many)],
        env=box.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_until(lambda: len(table().splitlines()) > 20)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=240)

    assert process.returncode == 130, said
    assert "interrupted" in said
    assert box.everything() == before


def table() -> str:
    return Path("/proc/thread-self/net/ip_vs").read_text()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small file system with what the folder has."""
    kept = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    tool("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder))
    try:
        for name, text in kept.items():
            (folder / name).write_text(text)
        if options == "full":
            with (folder / "filler").open("wb", buffering=0) as filler, suppress(OSError):
                while True:
                    filler.write(b"x" * 4096)
        else:
            tool("mount", "-o", f"remount,{options}", str(folder))
        yield
    finally:
        tool("umount", str(folder))


@pytest.mark.parametrize("place", ["config", "state"])
@pytest.mark.parametrize(
    ("options", "words"), [("full", "No space left"), ("ro", "Read-only file system")]
)
def test_a_disk_that_takes_nothing_changes_nothing(
    box: Box, place: str, options: str, words: str
) -> None:
    folder = box.paths.config.parent if place == "config" else box.paths.state
    kernel, text = box.kernel(), box.paths.config.read_text()

    with mounted(folder, options):
        said = box.run("service", "add", "s3", "tcp/10.1.0.2:80", code=ExitCode.FAILED)
        assert box.paths.config.read_text() == text

    assert said.startswith("error: cannot write")
    assert words in said
    assert said.count("error:") == 1
    assert box.kernel() == kernel
    assert "10.1.0.2" not in tool("ip", "-o", "-4", "address")


def test_a_refusal_of_the_kernel_half_way_undoes_what_was_made(box: Box) -> None:
    tool("ip", "link", "add", "d0", "type", "dummy")
    tool("ip", "address", "add", "10.5.0.1/24", "dev", "d0")
    tool("ip", "link", "set", "d0", "up")
    before = box.everything()

    # IPVS takes no broadcast address for a server's, and no configuration can know of it.
    said = box.run(
        "service", "add", "s3", "tcp/10.1.0.2:80", "--server", "10.2.0.3:80",
        "--server", "10.5.0.255:80", code=ExitCode.FAILED,
    )  # fmt: skip

    assert "create server 10.5.0.255:80 of tcp/10.1.0.2:80" in said
    assert "changes made before it were undone" in said
    assert box.everything() == before


def test_an_edit_that_the_kernel_refuses_raises_one_error(box: Box) -> None:
    server = RealServer(Endpoint.parse("224.0.0.1:80"))
    before = box.everything()

    with (
        pytest.raises(LvsnatError),
        box.director.editing(lambda d: d.add_server("s1", server), Options()) as transaction,
    ):
        transaction.carry_out(lambda _: None)

    assert box.everything() == before
