"""lvsnat doctor --bundle: one file for who is asked for help."""

from __future__ import annotations

import json
import stat
import tarfile
from pathlib import Path

import pytest
from cli.commandline import CommandLine
from unit.doctor.patients import HOST

from lvsnat.director.bundle import MOST, Part, gather
from lvsnat.director.bundlefile import write_bundle
from lvsnat.doctor.redact import REMOVED, Redactor
from lvsnat.errors import ExitCode, LvsnatError, RefusedError
from lvsnat.testing import FakeClock

SECRETS = (
    "hunter2hunter2", "QWxhZGRpbjpvcGVuc2VzYW1l", "prod-profile", "AKIAIOSFODNN7EXAMPLE",
    "123456789012", "MIIEvQIBADANBgkq", "sk-live-0123456789", "s3cr3t-in-environment",
)  # fmt: skip
CONFIG = """\
# password: hunter2hunter2
[aws]
profile = "prod-profile"
region = "eu-west-1"

[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
check = [
  { type = "http", path = "/health?token=sk-live-0123456789" },
  { type = "agent", port = 9000, send = "LOGIN hunter2hunter2" },
  { type = "exec", command = ["/usr/bin/check", "--password", "hunter2hunter2"] },
]
servers = [{ address = "192.168.2.55:80" }]
"""
HAPROXY = """\
global
  stats auth admin:hunter2hunter2
userlist ops
  user admin insecure-password hunter2hunter2
frontend web
  http-request set-header Authorization "Basic QWxhZGRpbjpvcGVuc2VzYW1l"
"""
PUBLISHED = {
    "note": "arn:aws:iam::123456789012:role/director, AKIAIOSFODNN7EXAMPLE",
    "key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----",
    "said": "s3cr3t-in-environment",
}


@pytest.fixture
def ready(lvsnat: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A director that is full of secrets; who asks for AWS is told that there is none."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "s3cr3t-in-environment")
    lvsnat.clock, lvsnat.survey = FakeClock(), lambda _: (HOST, ())
    lvsnat.paths.config.write_text(CONFIG)
    lvsnat.paths.haproxy_config.parent.mkdir(parents=True)
    lvsnat.paths.haproxy_config.write_text(HAPROXY)
    lvsnat.paths.run.mkdir(exist_ok=True)
    lvsnat.paths.health.write_text(json.dumps(PUBLISHED))
    return lvsnat


def unpacked(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        found = {}
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            assert member.mode == 0o600
            found[member.name.removeprefix("lvsnat-bundle/")] = file.read().decode()
        return found


def test_a_bundle_has_everything_and_no_secret(ready: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "help.tar.gz"

    result = ready("doctor", "--bundle", str(file), "--skip", "host")

    assert "look it through before you send it" in result.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.glob(".help*")] == []
    texts = unpacked(file)
    whole = "\n".join(texts.values())
    assert [secret for secret in SECRETS if secret in whole] == []
    assert REMOVED in texts["config/lvsnat.toml"]
    assert 'listen = "tcp/192.168.1.50:80"' in texts["config/lvsnat.toml"]
    assert "frontend web" in texts["config/haproxy.cfg"]
    for name in ("findings.json", "facts.json", "status.json", "plan.json"):
        assert json.loads(texts[name])
    assert "NOT_APPLIED" in texts["findings.txt"]
    assert "lvsnat" in texts["versions.txt"]
    # What is not there is named, with what is.
    listed = texts["README.txt"]
    assert all(name in listed for name in texts if name != "README.txt")
    assert "state/switch.json        not in it: there is none" in listed
    assert listed.count("not in it") == result.stderr.count("not in it")


def test_a_file_that_is_there_is_kept(ready: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "help.tar.gz"
    file.write_text("mine")

    result = ready("doctor", "--bundle", str(file))

    assert result.exit_code == ExitCode.REFUSED
    assert result.stdout == ""
    assert file.read_text() == "mine"
    with pytest.raises(RefusedError):
        write_bundle(file, {"README.txt": ""}, 0)
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("no/help.tgz", "no folder "),
        ("/proc/help.tgz", "no file can be made in /proc\n"),
        ("x" * 300, "File name too long\n"),
    ],
    ids=["folder", "proc", "long"],
)
def test_a_file_that_cannot_be_made_is_told_before_the_look(
    ready: CommandLine, tmp_path: Path, file: str, why: str
) -> None:
    result = ready("doctor", "--bundle", str(tmp_path / file))

    assert result.exit_code == ExitCode.FAILED
    assert f"error: cannot write {tmp_path / file}: {why}" in result.stderr
    assert "hint: name a file in another folder\n" in result.stderr
    assert result.stdout == ""


def test_a_configuration_that_is_broken_is_bundled(ready: CommandLine, tmp_path: Path) -> None:
    ready.paths.config.write_text('[[service]]\npassword = """hunter2hunter2\n')

    ready("doctor", "--bundle", str(tmp_path / "help.tar.gz"))

    texts = unpacked(tmp_path / "help.tar.gz")
    assert "CONFIG_BROKEN" in texts["findings.txt"]
    assert "status.json" not in texts
    assert "status.json              not in it: " in texts["README.txt"]
    assert "hunter2hunter2" not in "\n".join(texts.values())


def test_a_document_stays_one(ready: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "help.tar.gz"

    document = json.loads(ready("doctor", "-o", "json", "--bundle", str(file)).stdout)

    assert document["schema"] == "lvsnat/doctor/1"
    found = json.loads(unpacked(file)["findings.json"])
    assert found["summary"] == document["summary"]


def test_a_part_that_breaks_stops_no_other() -> None:
    def broken() -> str:
        raise LvsnatError("nft: not found, token=abcdefgh")

    def worse() -> str:
        raise ZeroDivisionError

    parts = [Part("a", broken), Part("b", worse), Part("c", lambda: "text")]

    found = gather(parts, Redactor())

    assert found.texts == {"c": "text"}
    assert found.lacking == {
        "a": f"nft: not found, token={REMOVED}",
        "b": "ZeroDivisionError: ",
    }


def test_of_what_is_long_the_end_is_kept() -> None:
    found = gather([Part("log", lambda: "x " * (MOST // 2) + "the end")], Redactor())

    assert found.texts["log"].startswith("(7 characters of the beginning are left out)\n")
    assert found.texts["log"].endswith("the end")
