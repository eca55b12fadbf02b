"""A real server has a small install: no configuration, no IPVS, nothing of AWS."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "reference"
PROGRAM = """
import sys
from lvsnat.cli.main import app
try:
    app(["gateway", *sys.argv[1:]])
except SystemExit:
    heavy = {"boto3", "botocore", "lvsnat.director.director", "lvsnat.ipvs.kernel"}
    print(sorted(heavy & set(sys.modules)), file=sys.stderr)
    raise
"""


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "LVSNAT_CONFIG": str(home / "none" / "lvsnat.toml"),
        "LVSNAT_STATE_DIR": str(home / "state"),
        "LVSNAT_RUN_DIR": str(home / "run"),
    }
    command = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_show_loads_and_needs_nothing_of_a_director(tmp_path: Path) -> None:
    done = run(tmp_path, "show", "-o", "json")

    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "[]"
    assert {one["family"] for one in json.loads(done.stdout)["families"]} == {"ipv4", "ipv6"}
    assert not [*tmp_path.iterdir()]


def test_every_key_of_the_document_is_described(tmp_path: Path) -> None:
    document = json.loads(run(tmp_path, "show", "-o", "json").stdout)
    page = (DOCUMENTS / "json.md").read_text(encoding="utf-8")
    section = page.partition("## lvsnat/gateway/1\n")[2].partition("\n## ")[0]
    described = set(re.findall(r"`[\w\[\].]*?(\w+)`", section))

    families = document.pop("families")
    asked = {key for family in families for one in family["replies"] for key in one}

    assert document.pop("schema") == "lvsnat/gateway/1"
    assert {*document, *families[0], *asked} <= described


def test_a_wrong_word_ends_with_2_and_says_what_is_right(tmp_path: Path) -> None:
    for line in (
        "set",
        "set host",
        "show --reply-only tcp/80",
        "set 10.0.0.1 --keep",
        "set 10.0.0.1 --reply-only 80",
        "set 10.0.0.1 --table 7",
        "set 10.0.0.1 --try soon",
    ):
        words = line.split()
        done = run(tmp_path, *words)

        assert done.returncode == 2, words
        assert "hint: " in done.stderr
