"""lvsnat apply --boot, lvsnat system: starting with the host."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from cli.commandline import CommandLine

from lvsnat.director import ledgerfile, trial, units
from lvsnat.errors import ExitCode
from lvsnat.system import run


def unit_below(root: Path) -> Path:
    return root / "etc/systemd/system" / units.NAME


def test_boot_makes_everything_again(web: CommandLine) -> None:
    made = dict(web.kernel.state)
    web.kernel.state.clear()
    ledger = ledgerfile.load(web.paths.ledger)
    web.paths.ledger.write_text(ledgerfile.render(ledger, "another boot"))

    result = web("apply", "--boot")

    assert result.exit_code == ExitCode.DONE
    assert result.stderr.startswith("3 created")
    assert web.kernel.state == made


def test_the_guard_holds_on_a_director_that_serves(web: CommandLine) -> None:
    web.paths.config.write_text(
        web.config.replace("weight = 3", "weight = 0").replace(
            '"192.168.2.56:80"', '"192.168.2.56:80", weight = 0'
        )
    )

    result = web("apply", "--boot")

    assert result.exit_code == ExitCode.REFUSED
    assert web.changes == []


def test_boot_takes_back_a_trial_that_nobody_kept(web: CommandLine) -> None:
    before, made = web.config, dict(web.kernel.state)
    tried = before.replace("wrr", "rr")
    web.paths.config.write_text(tried)
    web.ok("apply")
    web.paths.trial.write_text(trial._render(trial.Journal(0.0, before, None, tried)))

    result = web("apply", "--boot")

    assert result.exit_code == ExitCode.DONE
    assert result.stderr.startswith("nobody kept the trial that was cut off: it is taken back\n")
    assert (web.config, web.kernel.state) == (before, made)
    assert not web.paths.trial.exists()
    assert web("apply", "--boot").stderr == "in sync: nothing to change\n"


def test_boot_is_about_no_other_file(web: CommandLine, tmp_path: Path) -> None:
    result = web("apply", "--boot", str(tmp_path / "lvsnat.toml"))

    assert result.exit_code == ExitCode.USAGE
    assert "--boot is about the configuration in its place" in result.stderr


def test_install_says_what_it_did_and_a_second_time_nothing(
    lvsnat: CommandLine, tmp_path: Path
) -> None:
    root = tmp_path / "image"
    install = ("system", "install", "--root", str(root))

    files = [
        unit_below(root),
        unit_below(root).with_name(units.DAEMON_NAME),
        unit_below(root).with_name(units.PROXY_NAME),
        root / "etc/lvsnat/lvsnat.toml",
    ]
    assert lvsnat.ok(*install) == "".join(f"create {file}\n" for file in files)
    assert lvsnat(*install).stdout == ""
    assert lvsnat(*install).stderr.startswith("nothing to do\nnote: systemd does not run")
    assert lvsnat.ok("system", "uninstall", "--root", str(root)) == "".join(
        f"remove {file}\n" for file in files
    )
    assert [path for path in root.rglob("*") if path.is_file()] == []
    assert lvsnat("system", "uninstall", "--root", str(root)).stderr == "nothing to do\n"


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_a_dry_run_changes_nothing(lvsnat: CommandLine, tmp_path: Path, command: str) -> None:
    root = ("--root", str(tmp_path / "image"))
    if command == "uninstall":
        lvsnat.ok("system", "install", *root)
    before = sorted(tmp_path.rglob("*"))

    result = lvsnat("system", command, *root, "--dry-run")

    assert len(result.stdout.splitlines()) == 4
    assert result.stderr.startswith("dry run: nothing was changed\n")
    assert sorted(tmp_path.rglob("*")) == before


def test_the_unit_names_the_program_and_the_files_that_install_was_given(
    lvsnat: CommandLine, tmp_path: Path
) -> None:
    lvsnat.ok(
        "--config", "/srv/lb.toml", "system", "install", "--root", str(tmp_path),
        "--program", "/usr/bin/lvsnat",
    )  # fmt: skip

    text = unit_below(tmp_path).read_text()
    assert "ExecStart=/usr/bin/lvsnat apply --boot\n" in text
    assert "Environment=LVSNAT_CONFIG=/srv/lb.toml\n" in text
    assert (tmp_path / "srv/lb.toml").read_text() == units.starter()


def test_a_program_is_an_absolute_path(lvsnat: CommandLine, tmp_path: Path) -> None:
    result = lvsnat("system", "install", "--root", str(tmp_path), "--program", "lvsnat")

    assert result.exit_code == ExitCode.USAGE
    assert "lvsnat is not an absolute path" in result.stderr


def test_this_program_is_named_so_that_it_starts_from_anywhere(
    lvsnat: CommandLine, tmp_path: Path
) -> None:
    lvsnat.ok("system", "install", "--root", str(tmp_path))

    [line] = [line for line in unit_below(tmp_path).read_text().splitlines() if "ExecStart" in line]
    words = line.removeprefix("ExecStart=").removesuffix(" apply --boot").split()
    assert Path(words[0]).is_absolute()
    assert run(["env", "-C", "/", *words, "--version"]).stdout.startswith("lvsnat ")


def test_without_root_the_hint_is_root(tmp_path: Path) -> None:
    root = tmp_path / "image"
    root.mkdir(mode=0o555)
    # Root without its capabilities is held to the modes of files as everybody is.
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []

    done = run([*drop, sys.executable, "-m", "lvsnat", "system", "install", "--root", str(root)])

    assert done.returncode == ExitCode.FAILED
    assert done.stderr == (
        f"error: cannot write {unit_below(root)}: Permission denied\nhint: run it as root (sudo)\n"
    )
    assert list(root.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_error(lvsnat: CommandLine) -> None:
    result = lvsnat("system", "install", "--root", "/proc/self")

    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.startswith("error: cannot write /proc/self/etc/systemd/system/")
    assert "hint: --root DIR writes the files elsewhere" in result.stderr
