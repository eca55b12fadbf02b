"""`scripts/lab` as a person meets it: boots a kernel for every test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from labkit.outside import LAB, alive, descendants, lab, soon, start

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    """Build the kernel first, which may take minutes, so that no test's own clock measures it."""
    done = lab("build")
    assert done.returncode == 0, done.stderr


def test_output_and_exit_status_are_carried_out() -> None:
    done = lab("run", "--", "sh", "-c", "echo to-stdout; echo to-stderr >&2; exit 7")

    assert done.returncode == 7
    assert done.stdout == "to-stdout\n"
    assert "to-stderr\n" in done.stderr


def test_much_output_arrives_whole_and_unchanged() -> None:
    done = lab("run", "--", "seq", "1", "50000")

    assert done.stdout.splitlines() == [str(number) for number in range(1, 50001)]
    assert "\r" not in done.stdout


def test_output_comes_while_the_command_runs(tmp_path: Path) -> None:
    process = start("--results", str(tmp_path), "run", "--", "sh", "-c", "echo first; sleep 900")
    assert process.stdout

    first = process.stdout.readline()

    assert first == "first\n"
    assert process.poll() is None
    process.terminate()
    process.communicate()


@pytest.mark.parametrize(
    ("command", "status"), [("no-such-program", 127), ("/etc/passwd", 126), ("false", 1)]
)
def test_what_can_not_start_ends_as_in_a_shell(command: str, status: int) -> None:
    assert lab("run", "--", command).returncode == status


def test_the_kernel_inside_has_ipvs() -> None:
    done = lab("run", "--", "sh", "-c", "ipvsadm -Ln && nft add table inet t && id -u")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("IP Virtual Server")
    assert done.stdout.endswith("\n0\n")


def test_a_users_limit_of_open_files_does_not_get_in() -> None:
    limited = ["sh", "-c", 'ulimit -S -n 256 && exec "$@"', "sh", LAB, "run", "--", "sh", "-c"]
    # Not what Python writes there while it is read.
    script = "find /usr -name '*.pyc*' -o -type f -print | head -2000 | xargs cat | wc -c"

    done = subprocess.run(
        [*limited, script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1100,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 0


def test_the_project_is_open_to_everybody_inside() -> None:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    done = lab("run", "--", *nobody, "python", "-c", "import lvsnat; print(lvsnat.__file__)")

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("/lvsnat/__init__.py\n")


def test_nothing_is_written_on_the_host() -> None:
    places = ["/etc/lab-was-here", f"{Path.home()}/lab-was-here", "/tmp/lab-was-here"]  # noqa: S108

    done = lab("run", "--", "sh", "-c", f"touch {' '.join(places)} && ls {' '.join(places)}")

    assert sorted(done.stdout.split()) == sorted(places)
    assert not [place for place in places if Path(place).exists()]


def test_the_results_folder_is_written_on_the_host(tmp_path: Path) -> None:
    done = lab("--results", str(tmp_path / "new"), "run", "--", "sh", "-c",
               "mkdir $LVSNAT_RESULTS/sub && date +%s >$LVSNAT_RESULTS/sub/now")  # fmt: skip

    assert done.returncode == 0, done.stderr
    written = int((tmp_path / "new/sub/now").read_text())
    assert abs(time.time() - written) < 60


def test_a_timeout_ends_it_and_leaves_no_process(tmp_path: Path) -> None:
    script = "echo started >$LVSNAT_RESULTS/started; sleep 300 & sleep 300"
    process = start("--timeout", "60", "--results", str(tmp_path), "run", "--", "sh", "-c", script)
    assert soon((tmp_path / "started").exists)
    started = descendants(process.pid)

    _, complaint = process.communicate(timeout=300)

    assert process.returncode == 124
    assert "--timeout" in complaint
    assert started
    assert not alive(started)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_signal_ends_it_and_leaves_no_process(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    script = "echo started >$LVSNAT_RESULTS/started; sleep 300 & sleep 300"
    process = start("--results", str(tmp_path), "run", "--", "sh", "-c", script)
    assert soon((tmp_path / "started").exists)
    started = descendants(process.pid)

    os.kill(process.pid, number)
    process.communicate(timeout=300)

    assert process.returncode == status
    assert started
    assert soon(lambda: not alive(started)), started


def test_two_at_once_keep_out_of_each_others_way(tmp_path: Path) -> None:
    script = "ip link add mine type dummy && echo $0 >$LVSNAT_RESULTS/name && sleep 2; echo $0"

    both = [
        start("--results", str(tmp_path / name), "run", "--", "sh", "-c", script, name)
        for name in ("one", "two")
    ]
    said = [process.communicate(timeout=900)[0] for process in both]

    assert said == ["one\n", "two\n"]
    assert [process.returncode for process in both] == [0, 0]
    assert (tmp_path / "two/name").read_text() == "two\n"


def test_pytest_runs_inside_with_the_projects_own_python(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(
        "import os, sys\n"
        "def test_it():\n"
        f"    assert sys.prefix == {sys.prefix!r}\n"
        "    assert os.environ['LVSNAT_LAB'] == '1'\n"
    )

    done = lab("test", "-q", "--rootdir", str(tmp_path), str(test))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert not (tmp_path / "__pycache__").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run"], "wants a command"),
        (["--memory", "much", "run", "--", "true"], "2G or 512M"),
        (["shell"], "needs a terminal"),
    ],
)
def test_a_wrong_command_line_says_what_is_right(arguments: list[str], complaint: str) -> None:
    done = lab(*arguments)

    assert done.returncode in {1, 2}
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_distributions_stock_kernel_boots_and_has_ipvs(tmp_path: Path) -> None:
    script = (
        "uname -r; ipvsadm -Ln | head -1; echo done >$LVSNAT_RESULTS/done; echo err >&2; exit 3"
    )
    done = lab("--kernel", "qemu", "--results", str(tmp_path), "run", "--", "sh", "-c", script)

    assert done.returncode == 3, done.stderr
    assert "IP Virtual Server" in done.stdout
    assert "err" in done.stderr
    assert (tmp_path / "done").read_text() == "done\n"
