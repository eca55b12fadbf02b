"""lvsnat gateway render: what it writes where, what it leaves alone, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from cli.commandline import CommandLine
from e2e import warm
from labkit.topology import Network
from typer.testing import Result

from lvsnat.errors import ExitCode
from lvsnat.testing import FakeBackend

VIA, REPLIES = "192.168.1.10", ("--reply-only", "tcp/8080")


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, FakeBackend())


def render(line: CommandLine, *words: str) -> Result:
    state = str(line.paths.state)
    return line("gateway", "render", *words, env={"LVSNAT_STATE_DIR": state})


def test_user_data_is_printed_so_that_cloud_init_knows_it(line: CommandLine) -> None:
    result = render(line, "10.0.1.200", "--format", "cloud-init", *REPLIES)

    assert result.exit_code == ExitCode.DONE
    assert result.stdout.startswith("#cloud-config\n")
    assert yaml.safe_load(result.stdout)["write_files"]
    assert "user data" in result.stderr


def test_user_data_is_written_to_a_file(line: CommandLine, tmp_path: Path) -> None:
    words = ("10.0.1.200", "--format", "cloud-init", *REPLIES)

    result = render(line, *words, "--output", str(tmp_path / "x"))

    assert result.stdout == f"create {tmp_path}/x/user-data\n"
    assert (tmp_path / "x/user-data").read_text() == render(line, *words).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "ifcfg"), "no way back is in force"),
        (("--format", "ifcfg", "--interface", "eth0"), "none is given"),
        (("10.0.1.200", "--format", "yaml"), "known: netplan, networkd, networkmanager"),
        (("10.0.1.200", "--format", "cloud-init", "--local-clients"), "--reply-only"),
        (("10.0.1.200",), "--format"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    line: CommandLine, words: tuple[str, ...], said: str
) -> None:
    result = render(line, *words)

    assert result.exit_code == ExitCode.USAGE
    assert said in result.output


@pytest.mark.e2e
def test_files_are_written_once_and_changed_where_they_differ(
    single: Network, tmp_path: Path
) -> None:
    def ifcfg(*words: str) -> list[str]:
        common = ("gateway", "render", VIA, "--format", "ifcfg", "--output")
        return warm.run(single.rs(1), *common, str(tmp_path), *words).stdout.splitlines()

    scripts = f"{tmp_path}/etc/sysconfig/network-scripts"
    assert ifcfg(*REPLIES) == [
        f"create {scripts}/route-eth0",
        f"create {scripts}/rule-eth0",
        f"create {tmp_path}/etc/sysctl.d/60-lvsnat-gateway-ipv4.conf",
    ]
    assert ifcfg(*REPLIES) == []
    assert ifcfg("--reply-only", "tcp/80") == [f"change {scripts}/rule-eth0"]


@pytest.mark.e2e
def test_a_file_of_somebody_else_stays_and_nothing_is_written(
    single: Network, tmp_path: Path
) -> None:
    theirs = tmp_path / "etc/sysconfig/network-scripts/rule-eth0"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("from 10.0.0.1 lookup 7\n")

    done = warm.run(
        single.rs(1), "gateway", "render", VIA, "--format", "ifcfg", *REPLIES,
        "--output", str(tmp_path), check=False,
    )  # fmt: skip

    assert done.returncode == ExitCode.REFUSED
    assert str(theirs) in done.stderr
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [theirs]
    assert theirs.read_text() == "from 10.0.0.1 lookup 7\n"


@pytest.mark.e2e
def test_what_the_server_is_like_decides_what_is_said(single: Network) -> None:
    def said(*words: str, code: int = ExitCode.DONE) -> str:
        done = warm.run(single.rs(1), "gateway", "render", *words, check=False)
        assert done.returncode == code, done.stderr
        return done.stderr

    unknown = said(VIA, "--format", "networkd", *REPLIES, code=ExitCode.USAGE)
    assert "networkctl status eth0" in unknown
    assert "--name" in unknown
    nowhere = said("203.0.113.10", "--format", "ifcfg", code=ExitCode.USAGE)
    assert "192.168.1.0/24 (eth0)" in nowhere
    overtaken = said(VIA, "--format", "netplan")
    assert "default via 192.168.1.1 dev eth0" in overtaken
    assert "comes before it" in overtaken
    assert "comes before it" not in said(VIA, "--format", "netplan", *REPLIES)
