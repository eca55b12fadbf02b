"""lvsnat import haproxy: what it says and what it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.commandline import CommandLine

from lvsnat.errors import ExitCode

OLD = """\
global
    ulimit-n 81000

defaults
    clitimeout 42000

listen shop
    bind 192.168.1.50:443
    balance leastconn
    server a 192.168.2.55:8443 cookie a check
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "haproxy.cfg"
    path.write_text(OLD)
    return path


def test_an_old_file_edits_the_configuration_alone(web: CommandLine, old: Path) -> None:
    before = web.config

    result = web("import", "haproxy", str(old))

    assert result.exit_code == ExitCode.DONE
    assert "+ service tcp/192.168.1.50:443" in result.stdout
    assert web.config.startswith(before)
    assert 'name = "shop"' in web.config
    assert "client_timeout = 42" in web.config
    assert 'check = "tcp"' in web.config
    assert web.changes == []


def test_each_line_that_is_not_taken_is_named(web: CommandLine, old: Path) -> None:
    said = web("import", "haproxy", str(old)).stderr

    assert f"note: {old}:2: ulimit-n 81000: obsolete: HAProxy counts" in said
    assert f"note: {old}:5: clitimeout 42000: obsolete, and refused since HAProxy 2.1" in said
    assert f"note: {old}:10: server a 192.168.2.55:8443 cookie a check: 'cookie a' has no" in said


def test_the_mode_stays_and_the_other_one_is_named(web: CommandLine, old: Path) -> None:
    said = web("import", "haproxy", str(old)).stderr

    assert web.config.count('mode = "lvs-nat"') == 1
    assert "'lvsnat mode haproxy-tproxy' serves it by a transparent HAProxy\n" in said


def test_an_import_with_apply_changes_the_kernel_too(web: CommandLine, old: Path) -> None:
    web.ok("import", "haproxy", str(old), "--apply", "--name-prefix", "old-")

    assert 'name = "old-shop"' in web.config
    assert len(web.changes) == 2


@pytest.mark.parametrize("apply", [[], ["--apply"]])
def test_a_dry_run_shows_and_changes_nothing(web: CommandLine, old: Path, apply: list[str]) -> None:
    before = web.config

    result = web("import", "haproxy", str(old), "--dry-run", *apply)

    assert "+ service tcp/192.168.1.50:443" in result.stdout
    assert "dry run: nothing was changed\n" in result.stderr
    assert (web.config, web.changes) == (before, [])


def test_a_second_import_changes_nothing(web: CommandLine, old: Path) -> None:
    web.ok("import", "haproxy", str(old))
    before = web.config

    result = web("import", "haproxy", str(old))

    assert "the configuration says so already: nothing was changed\n" in result.stderr
    assert web.config == before


def test_every_address_is_the_vip_that_is_said(web: CommandLine, old: Path) -> None:
    old.write_text(OLD.replace("192.168.1.50:443", "*:443"))

    refused = web("import", "haproxy", str(old))
    web.ok("import", "haproxy", str(old), "--vip", "192.168.1.50")

    assert refused.exit_code == ExitCode.USAGE
    assert f"{old}:8: '*:443' is every address of this host" in refused.stderr
    assert "say it with --vip" in refused.stderr
    assert 'listen = "tcp/192.168.1.50:443"' in web.config


def test_what_clients_would_miss_is_refused_until_it_is_skipped(
    web: CommandLine, old: Path
) -> None:
    before = web.config
    old.write_text(f"{OLD}    http-request deny if {{ path /x }}\n")

    refused = web("import", "haproxy", str(old))
    config = web.config
    skipped = web("import", "haproxy", str(old), "--skip-unsupported")

    assert (refused.exit_code, config) == (ExitCode.REFUSED, before)
    assert f"{old}:11: 'http-request' looks into what clients send" in refused.stderr
    assert 'frontend_lines = ["http-request deny if { path /x }"]' in refused.stderr
    assert f"skipped: {old}:11: 'http-request'" in skipped.stderr
    assert 'name = "shop"' in web.config


def test_local_networks_are_merged_into_those_that_are_there(web: CommandLine, old: Path) -> None:
    web.paths.config.write_text(f'{web.config}\n[haproxy]\nlocal_networks = ["10.0.0.0/8"]\n')
    near = OLD[OLD.index("listen") :].replace("listen shop", "backend near")
    near = near.replace("    bind 192.168.1.50:443\n", "")
    use = "    source 0.0.0.0 usesrc clientip\n    use_backend near if { src 192.168.0.0/16 }\n"
    old.write_text(OLD + use + near)

    web.ok("import", "haproxy", str(old))

    assert 'local_networks = ["10.0.0.0/8", "192.168.0.0/16"]' in web.config


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere/haproxy.cfg"], "/nowhere/haproxy.cfg: there is no such file"),
        (["FILE", "--adopt"], "--adopt and --force say how to apply"),
        (["FILE", "--vip", "web"], "'web' is not an IP address"),
        (["FILE", "--vip", "10.0.0.1", "--vip", "10.0.0.2"], "--vip has two addresses of ipv4"),
        (["FILE", "--name-prefix", "a b"], "'a b' cannot begin a name"),
    ],
)
def test_an_import_that_makes_no_sense_says_why(
    lvsnat: CommandLine, old: Path, arguments: list[str], said: str
) -> None:
    words = [str(old) if word == "FILE" else word for word in arguments]

    result = lvsnat("import", "haproxy", *words)

    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.startswith(f"error: {said}")


def test_a_file_without_a_service_is_said_to_have_none(lvsnat: CommandLine, old: Path) -> None:
    old.write_text("global\n    daemon\n")

    result = lvsnat("import", "haproxy", str(old))

    assert result.exit_code == ExitCode.USAGE
    assert f"error: {old}: there is no service in it" in result.stderr


def test_a_file_can_come_through_a_pipe(web: CommandLine) -> None:
    result = web("import", "haproxy", "-", stdin=OLD)

    assert result.exit_code == ExitCode.DONE
    assert "note: standard input:2: ulimit-n 81000" in result.stderr


def test_an_import_can_be_read_by_a_program(web: CommandLine, old: Path) -> None:
    document = json.loads(web.ok("import", "haproxy", str(old), "-o", "json"))

    assert document["summary"] == {"create": 2, "change": 0, "remove": 0}
