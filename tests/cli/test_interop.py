"""lvsnat import and export: what they say and what they do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.commandline import CommandLine
from typer.testing import CliRunner

from lvsnat.cli.context import Session
from lvsnat.cli.main import app
from lvsnat.director.director import Director
from lvsnat.errors import ExitCode
from lvsnat.ipvs.resources import Forwarding, IpvsServer, IpvsService
from lvsnat.model.endpoint import AddressListener, Endpoint, Protocol

RULES = """\
-A -t 192.168.1.50:443 -s rr
-a -t 192.168.1.50:443 -r 192.168.2.55:8443 -m -w 1
"""
WEB = """\
-A -t 192.168.1.50:80 -s wrr
-a -t 192.168.1.50:80 -r 192.168.2.55:80 -m -w 3
-a -t 192.168.1.50:80 -r 192.168.2.56:80 -m -w 1
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules"
    path.write_text(RULES)
    return path


def strangers(lvsnat: CommandLine, forwarding: Forwarding = Forwarding.MASQUERADING) -> None:
    """Put a service into the kernel that somebody else has made."""
    listen = AddressListener(Protocol.TCP, Endpoint.parse("192.168.1.50:443"))
    service = IpvsService(listen, "rr")
    server = IpvsServer(
        listen, Endpoint.parse("192.168.2.55:8443"), 3, upper=9, forwarding=int(forwarding)
    )
    lvsnat.kernel.state |= {service.key: service, server.key: server}


def test_an_import_edits_the_configuration_alone(web: CommandLine, rules: Path) -> None:
    before = web.config

    result = web("import", "ipvsadm", str(rules))

    assert result.exit_code == ExitCode.DONE
    assert result.stdout.startswith("+ service tcp/192.168.1.50:443  scheduler=rr\n+ server 192")
    assert f"{web.paths.config} written; the kernel is as it was\n" in result.stderr
    assert "'lvsnat apply' makes it so" in result.stderr
    assert web.config.startswith(before)
    assert 'name = "tcp-192.168.1.50-443"' in web.config
    assert web.changes == []


def test_an_import_with_apply_changes_the_kernel_too(web: CommandLine, rules: Path) -> None:
    web.ok("import", "ipvsadm", str(rules), "--apply", "--name-prefix", "old-")

    assert 'name = "old-tcp-192.168.1.50-443"' in web.config
    assert len(web.changes) == 2


@pytest.mark.parametrize("apply", [[], ["--apply"]])
def test_a_dry_run_shows_and_changes_nothing(
    web: CommandLine, rules: Path, apply: list[str]
) -> None:
    before = web.config

    result = web("import", "ipvsadm", str(rules), "--dry-run", *apply)

    assert "+ service tcp/192.168.1.50:443" in result.stdout
    assert "dry run: nothing was changed\n" in result.stderr
    assert (web.config, web.changes) == (before, [])


def test_standard_input_is_read(web: CommandLine) -> None:
    session = Session(lambda _environment, _config: Director(web.paths, web.kernel))

    result = CliRunner().invoke(app, ["import", "ipvsadm", "-"], obj=session, input=RULES)

    assert result.exit_code == ExitCode.DONE, result.output
    assert "tcp-192.168.1.50-443" in web.config


def test_a_bad_line_is_one_error_and_nothing_is_changed(web: CommandLine, rules: Path) -> None:
    before = web.config
    rules.write_text(f"{RULES}-A -t 192.168.1.51:80 -s rrr\n{WEB}")

    result = web("import", "ipvsadm", str(rules), "--apply", "--skip-unsupported")

    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""
    assert f"{rules}:3: 'rrr' is not a scheduler that lvsnat knows" in result.stderr
    assert "did you mean rr?" in result.stderr
    assert result.stderr.count("error:") == 1
    assert (web.config, web.changes) == (before, [])


def test_what_lvsnat_does_not_do_is_refused_line_by_line(web: CommandLine, rules: Path) -> None:
    before = web.config
    rules.write_text(f"{RULES}-a -t 192.168.1.50:443 -r 192.168.2.56 -g\n-C\n")

    result = web("import", "ipvsadm", str(rules))

    assert result.exit_code == ExitCode.REFUSED
    assert f"{rules}:3: direct routing (-g) is not done by lvsnat" in result.stderr
    assert f"{rules}:4: -C clears the table" in result.stderr
    assert "--skip-unsupported takes the rest" in result.stderr
    assert web.config == before


def test_the_rest_is_taken_on_demand(web: CommandLine, rules: Path) -> None:
    rules.write_text(f"{RULES}-a -t 192.168.1.50:443 -r 192.168.2.56 -g\n")

    result = web("import", "ipvsadm", str(rules), "--skip-unsupported")

    assert result.exit_code == ExitCode.DONE
    assert f"skipped: {rules}:3: direct routing (-g)" in result.stderr
    assert "192.168.2.55:8443" in web.config


def test_an_import_of_what_is_there_changes_nothing(web: CommandLine, rules: Path) -> None:
    before = web.config
    rules.write_text(WEB)

    result = web("import", "ipvsadm", str(rules))

    assert "the configuration says so already: nothing was changed\n" in result.stderr
    assert web.config == before


def test_rules_without_thresholds_are_pointed_out(web: CommandLine, rules: Path) -> None:
    assert "note: the rules have no thresholds" in web("import", "ipvsadm", str(rules)).stderr


def test_the_kernels_table_is_imported_with_its_thresholds(lvsnat: CommandLine) -> None:
    strangers(lvsnat)

    result = lvsnat("import", "ipvsadm", "--live")

    assert "'lvsnat apply --adopt' makes it so" in result.stderr
    assert "upper = 9" in lvsnat.config
    assert lvsnat.changes == []


def test_the_kernels_table_is_not_ours_without_adopt(lvsnat: CommandLine) -> None:
    strangers(lvsnat)

    refused = lvsnat("import", "ipvsadm", "--live", "--apply")
    config = lvsnat.config
    adopted = lvsnat("import", "ipvsadm", "--live", "--apply", "--adopt")

    assert (refused.exit_code, config) == (ExitCode.REFUSED, "")
    assert "--adopt takes it over" in refused.stderr
    assert adopted.exit_code == ExitCode.DONE
    assert lvsnat.ok("plan") == "in sync: nothing to do\n"
    assert lvsnat.changes == []


def test_what_lvsnat_does_not_do_is_quoted_from_the_kernel(lvsnat: CommandLine) -> None:
    strangers(lvsnat, Forwarding.DIRECT_ROUTING)

    result = lvsnat("import", "ipvsadm", "--live")

    assert result.exit_code == ExitCode.REFUSED
    assert "the kernel's table asks for what lvsnat does not do" in result.stderr
    assert "-r 192.168.2.55:8443 -g -w 3 -x 9: direct routing (-g)" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a file or --live, one of them"),
        (["rules", "--live"], "name a file or --live, one of them"),
        (["/nowhere/rules"], "/nowhere/rules: there is no such file"),
        (["--live", "--adopt"], "--adopt and --force say how to apply"),
        (["--live", "--name-prefix", "a b"], "'a b' cannot begin a name"),
    ],
)
def test_an_import_that_makes_no_sense_says_why(
    lvsnat: CommandLine, arguments: list[str], said: str
) -> None:
    result = lvsnat("import", "ipvsadm", *arguments)

    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.startswith(f"error: {said}")


def test_an_import_can_be_read_by_a_program(web: CommandLine, rules: Path) -> None:
    document = json.loads(web.ok("import", "ipvsadm", str(rules), "-o", "json"))

    assert document["applied"] is False
    assert document["summary"] == {"create": 2, "change": 0, "remove": 0}


def test_the_configuration_is_exported(web: CommandLine) -> None:
    assert web.ok("export", "ipvsadm") == WEB


def test_thresholds_are_exported_unless_unwanted(web: CommandLine) -> None:
    web.ok("server", "set", "web", "192.168.2.55:80", "--upper", "100")

    assert "-w 3 -x 100\n" in web.ok("export", "ipvsadm")
    assert web.ok("export", "ipvsadm", "--without-thresholds") == WEB


def test_timeouts_of_the_configuration_are_exported(web: CommandLine) -> None:
    web.paths.config.write_text(f"{web.config}\n[ipvs]\ntimeouts = {{ udp = 5 }}\n")

    assert web.ok("export", "ipvsadm") == f"{WEB}--set 0 0 5\n"


def test_the_kernels_table_is_exported_whoever_made_it(web: CommandLine) -> None:
    strangers(web, Forwarding.DIRECT_ROUTING)

    text = web.ok("export", "ipvsadm", "--live")

    assert text == (
        f"{WEB}-A -t 192.168.1.50:443 -s rr\n"
        "-a -t 192.168.1.50:443 -r 192.168.2.55:8443 -g -w 3 -x 9\n"
    )


def test_the_weight_of_a_drained_server_is_not_imported(web: CommandLine) -> None:
    before = web.config
    overrides = {
        "version": 1,
        "overrides": [
            {
                "kind": "server",
                "name": "tcp/192.168.1.50:80 192.168.2.55:80",
                "reason": "drained",
                "until": None,
            }
        ],
    }
    web.paths.state.mkdir(exist_ok=True)
    web.paths.overrides.write_text(json.dumps(overrides))
    web.ok("apply")

    web.ok("import", "ipvsadm", "--live")

    assert "-w 0" in web.ok("export", "ipvsadm", "--live")
    assert web.config == before


def test_haproxy_is_exported_with_what_is_not_exact_beside_it(web: CommandLine) -> None:
    web.ok("service", "set", "web", "--scheduler", "sed")

    result = web("export", "haproxy")

    assert result.exit_code == ExitCode.DONE
    assert "\nbackend web:tproxy\n    balance leastconn\n" in result.stdout
    assert "note: web: the scheduler sed is HAProxy's 'balance leastconn'" in result.stderr


def test_where_haproxy_would_serve_nothing_there_is_no_export(lvsnat: CommandLine) -> None:
    result = lvsnat("export", "haproxy")

    assert result.exit_code == ExitCode.USAGE
    assert "no TCP service" in result.stderr
