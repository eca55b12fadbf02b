"""The command line: outside it boots a kernel of the lab and runs itself in there."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from labkit.errors import LabError

from benchkit.checkreport import checks_markdown
from benchkit.checks import measure_checks
from benchkit.live import live_markdown, measure_live
from benchkit.measure import measure
from benchkit.modereport import modes_markdown
from benchkit.modes import measure_modes
from benchkit.process import BenchError
from benchkit.report import BEGIN, CHECKS_BEGIN, LIVE_BEGIN, between_the_markers, markdown
from benchkit.tables import Size

SCRIPTS = Path(__file__).resolve().parents[1]
TABLES = "bench.md"
SIZES = [Size(1_000, 2), Size(2_000, 4), Size(10_000, 2)]
QUICK = [Size(200, 2), Size(1_000, 2)]


def main(arguments: list[str]) -> int:
    """Do what the command line says, and give the exit status."""
    options = _parser().parse_args(arguments)
    if "LVSNAT_LAB" in os.environ:
        return _inside(options)
    with tempfile.TemporaryDirectory() as results:
        chosen = ["--kernel", options.kernel] if options.kernel else []
        flags = {
            "--quick": options.quick,
            "--modes": options.modes,
            "--checks": options.checks,
            "--live": options.live,
        }
        passed = [f"--rounds={options.rounds}", *(flag for flag in flags if flags[flag])]
        command = [
            str(SCRIPTS / "lab"),
            *chosen,
            "--results",
            results,
            "run",
            "--",
            str(SCRIPTS / "bench"),
            *passed,
        ]
        status = subprocess.call(command, stdin=subprocess.DEVNULL)
        if status == 0 and options.markdown:
            marker = CHECKS_BEGIN if options.checks else LIVE_BEGIN if options.live else BEGIN
            _write(options.markdown, Path(results, TABLES).read_text(), marker)
    return status


def _inside(options: argparse.Namespace) -> int:
    rounds = min(options.rounds, 3) if options.quick else options.rounds
    kernel = f"{platform.release()} ({os.environ.get('LVSNAT_LAB_KERNEL', '')})"
    try:
        with tempfile.TemporaryDirectory() as folder:
            text = _measured(options, rounds, kernel, Path(folder))
    except (BenchError, LabError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(text, end="")
    Path(os.environ["LVSNAT_RESULTS"], TABLES).write_text(text)
    return 0


def _measured(options: argparse.Namespace, rounds: int, kernel: str, folder: Path) -> str:
    if options.checks:
        return checks_markdown(measure_checks(rounds, kernel, folder))
    if options.live:
        return live_markdown(measure_live(rounds, kernel, folder))
    if options.modes:
        return modes_markdown(measure_modes(rounds, kernel))
    return markdown(measure(QUICK if options.quick else SIZES, rounds, kernel, folder))


def _write(file: Path, text: str, marker: str) -> None:
    page = file.read_text(encoding="utf-8") if file.exists() else ""
    file.write_text(between_the_markers(page, text, marker), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure lvsnat beside ipvsadm and keepalived, or its modes, in the lab.",
    )
    parser.add_argument(
        "--modes",
        action="store_true",
        help="connections through lvs-nat, haproxy-tproxy, plain HAProxy and directly",
    )
    parser.add_argument(
        "--checks",
        action="store_true",
        help="health checks beside keepalived's: processor, memory, pace, time until noticed",
    )
    parser.add_argument(
        "--live", action="store_true", help="the live status: a reading, and its answer to a key"
    )
    parser.add_argument("--quick", action="store_true", help="small tables, three rounds")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--kernel", choices=("host", "uml", "qemu"), help="as scripts/lab has it")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="write the tables there, too: between its markers, if it has them",
    )
    return parser
