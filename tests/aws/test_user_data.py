"""User data: what an instance is told, whether it can be told so, and whether programs take it."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws.user_data import CONFIG, director_data, real_server_data
from cli.commandline import CommandLine
from hypothesis import given
from hypothesis import strategies as st
from labkit.unpacked import SHELLCHECK, SUITES, unpacked

from lvsnat.aws import cloudconfig, userdata
from lvsnat.aws.userdata import Told
from lvsnat.errors import ExitCode, RefusedError, UsageError
from lvsnat.gateway.expand import METRIC
from lvsnat.gateway.render import networkmanager
from lvsnat.gateway.render.parts import Back, File
from lvsnat.gateway.resources import Destination, Route
from lvsnat.gateway.seen import MAIN
from lvsnat.gateway.ways import Hop
from lvsnat.model.endpoint import Family, parse_address
from lvsnat.model.mode import Mode
from lvsnat.system import run

SCRIPT = "/usr/local/sbin/lvsnat-director"
UNIT = "/etc/systemd/system/lvsnat-director.service"


def files(data: str) -> dict[str, str]:
    assert data.startswith("#cloud-config\n")
    return {one["path"]: one["content"] for one in yaml.safe_load(data)["write_files"]}


def commands(data: str) -> list[list[str]]:
    found: list[list[str]] = yaml.safe_load(data)["runcmd"]
    return found


def test_a_director_gets_its_configuration_word_for_word() -> None:
    brought = files(director_data())

    assert brought["/etc/lvsnat/lvsnat.toml"] == CONFIG
    assert brought["/etc/modules-load.d/lvsnat.conf"].endswith("ip_vs\n")
    assert '"$program" aws apply --yes\n' in brought[SCRIPT]
    assert commands(director_data())[-1] == [
        "systemctl", "enable", "--now", "lvsnat-director.service",
    ]  # fmt: skip


def test_a_standby_takes_nothing() -> None:
    script = files(director_data(standby=True))[SCRIPT]

    assert '"$program" aws apply --standby --yes\n' in script


def test_haproxy_is_installed_where_it_serves() -> None:
    assert "haproxy" not in files(director_data())[SCRIPT]
    script = files(director_data(mode=Mode.HAPROXY_TPROXY))[SCRIPT]
    assert script.count(" haproxy\n") == 2


def test_a_real_server_gets_a_unit_for_each_family() -> None:
    data = real_server_data()

    units = [path for path in files(data) if path.endswith(".service")]
    assert [Path(one).name for one in units] == [
        "lvsnat-gateway-ipv4.service", "lvsnat-gateway-ipv6.service",
    ]  # fmt: skip
    assert [words[-1] for words in commands(data)][-2:] == [Path(one).name for one in units]
    assert (
        "ManageForeignRoutingPolicyRules=no"
        in files(data)["/etc/systemd/networkd.conf.d/lvsnat.conf"]
    )


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"))


@given(TEXTS, st.sampled_from([0o644, 0o600, 0o755]))
def test_any_text_arrives_as_it_was(text: str, mode: int) -> None:
    file = File(Path("/a b/ü.conf"), text, mode)  # type: ignore[arg-type] # a pure one, too

    data = cloudconfig.cloud_config("about", [file], [["a b", "$c"]])

    document = yaml.safe_load(data)
    assert document["write_files"] == [
        {"path": "/a b/ü.conf", "permissions": f"0{mode:o}", "content": text}
    ]
    assert document["runcmd"] == [["a b", "$c"]]
    assert gzip.decompress(cloudconfig.packed(data)).decode() == data


@pytest.mark.parametrize(
    "line",
    [
        'key = "AKIAIOSFODNN7EXAMPLE"',
        'endpoint_url = "https://me:hunter2@vpce.example"',
        "# password = hunter2",
        'frontend_lines = ["stats auth me:hunter2"]',
        'aws_secret_access_key = "hunter2"',
        'x = "-----BEGIN RSA PRIVATE KEY-----"',
        '"Authorization" = "Bearer hunter2"',
    ],
)
def test_a_secret_is_refused_and_not_shown(line: str) -> None:
    with pytest.raises(RefusedError) as caught:
        userdata.user_data(Told(f"{CONFIG}{line}\n", Mode.LVS_NAT, "lvsnat"))

    assert caught.value.message.startswith("line 6 of the configuration looks like ")
    for secret in ("hunter2", "AKIA"):
        assert secret not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(
    "spec", ["lvsnat", "lvsnat==1.2.3", "https://example.net/lvsnat-1.0-py3-none-any.whl",
             "lvsnat[x] @ https://example.net/a.whl".replace(" ", "")],
)  # fmt: skip
def test_pip_is_told_what_to_install(spec: str) -> None:
    assert userdata.parse_package(spec) == spec


@pytest.mark.parametrize(
    "spec", ["", "--index-url=x", "a b", "a;b", "$(reboot)", "https://me:pw@example.net/a.whl"]
)
def test_nonsense_is_not_told_to_pip(spec: str) -> None:
    with pytest.raises(UsageError):
        userdata.parse_package(spec)


def user_data(lvsnat: CommandLine, *words: str) -> str:
    return lvsnat.ok("aws", "user-data", *words)


def settings(data: str, label: str = "ipv4") -> dict[str, str]:
    """What the script of each boot is set to."""
    lines = files(data)[f"/usr/local/sbin/lvsnat-gateway-{label}"].splitlines()
    pairs = [line.partition(" #")[0].partition("=") for line in lines]
    return {name: value.strip("'") for name, equals, value in pairs if equals and name.isalpha()}


def test_the_director_is_this_one(lvsnat: CommandLine) -> None:
    brought = files(user_data(lvsnat, "--role", "director", "--package", "lvsnat==9.9"))

    assert brought["/etc/lvsnat/lvsnat.toml"] == lvsnat.config
    assert "package=lvsnat==9.9\n" in brought[SCRIPT]


def test_the_real_server_answers_from_the_ports_of_the_services(lvsnat: CommandLine) -> None:
    lvsnat.paths.config.write_text(CONFIG)

    found = settings(user_data(lvsnat, "--role", "real-server"))

    assert (found["via"], found["ports"]) == ("10.0.1.200", "tcp/8080")


def test_what_is_said_goes_before_the_configuration(lvsnat: CommandLine) -> None:
    lvsnat.paths.config.write_text(CONFIG)
    words = ("--role", "real-server", "--via", "10.0.1.9", "--via", "fd00:1::9")

    data = user_data(lvsnat, *words, "--reply-only", "udp/53,tcp/80", "--local-clients")
    whole = user_data(lvsnat, *words, "--everything")

    for label, via in (("ipv4", "10.0.1.9"), ("ipv6", "fd00:1::9")):
        assert settings(data, label)["via"] == settings(whole, label)["via"] == via
        assert settings(data, label)["ports"] == "udp/53 tcp/80"
        assert settings(whole, label)["ports"] == ""


SERVICE = '[[service]]\nname = "x"\nlisten = "{listen}"\nservers = [{{ address = "{server}" }}]\n'


@pytest.mark.parametrize(
    ("config", "words", "said"),
    [
        (CONFIG, "--role real-server --standby", "--standby has no meaning"),
        (CONFIG, "--role director --via 10.0.1.9", "--via has no meaning"),
        (CONFIG, "--role nobody", "known: director, real-server"),
        (CONFIG, "--role real-server --via 10.0.1.9 --via 10.0.1.8", "given twice"),
        (CONFIG, "--role real-server --everything --reply-only tcp/80", "two ways back"),
        (CONFIG, "--role real-server --everything --local-clients", "--reply-only"),
        (CONFIG, "--role real-server --via fd00:1::9", "no service"),
        ("", "--role real-server", "it is not known which director"),
        ("", "--role director", "has no service"),
        (f'[aws]\nprofile = "me"\n{CONFIG}', "--role director", "the profile 'me'"),
        (f'[aws]\nlayout = "dual-subnet"\n{CONFIG}', "--role real-server", "need nothing"),
        (SERVICE.format(listen="fwmark/7", server="10.0.1.55:80"),
         "--role real-server --via 10.0.1.9", "--reply-only"),
        (SERVICE.format(listen="sctp/10.0.1.9:5060", server="10.0.1.55:5060"),
         "--role real-server", "no rule for SCTP"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_usage_error(
    lvsnat: CommandLine, config: str, words: str, said: str
) -> None:
    lvsnat.paths.config.write_text(config)

    result = lvsnat("aws", "user-data", *words.split())

    assert result.exit_code == ExitCode.USAGE
    assert said in result.output
    assert "hint:" in result.output


def test_what_is_too_long_is_told_how_to_fit(lvsnat: CommandLine) -> None:
    lvsnat.paths.config.write_text(CONFIG + "# a long comment\n" * 1000)

    result = lvsnat("aws", "user-data", "--role", "director")
    packed = lvsnat("aws", "user-data", "--role", "director", "--gzip")

    assert result.exit_code == ExitCode.FAILED
    assert "EC2 takes 16384" in result.output
    assert "--gzip" in result.output
    text = gzip.decompress(packed.stdout_bytes).decode()
    assert files(text)["/etc/lvsnat/lvsnat.toml"] == lvsnat.config


def test_what_is_too_long_all_the_same_is_an_error(lvsnat: CommandLine) -> None:
    lvsnat.paths.config.write_text(f"{CONFIG}# {os.urandom(20_000).hex()}\n")

    result = lvsnat("aws", "user-data", "--role", "director", "--gzip")

    assert result.exit_code == ExitCode.FAILED
    assert "EC2 takes 16384" in result.output


def everything() -> dict[str, str]:
    return {**files(director_data()), **files(real_server_data())}


UNITS = {Path(path).name: text for path, text in everything().items() if ".service" in path}


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong(name: str, tmp_path: Path) -> None:
    unit = tmp_path / name
    # Verifying asks whether the program is there.
    unit.write_text(re.sub(r"=/usr/local/sbin/\S+", "=/bin/true", UNITS[name]))

    done = run(["systemd-analyze", "--no-pager", "verify", str(unit)], timeout=280)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def manager_script() -> str:
    via = parse_address("10.0.1.200")
    default = Route(Destination(Family.IPV4, None, MAIN, METRIC), Hop(via, "eth0"))
    return networkmanager.render(Back(via, "eth0", (default,))).files[0].text


SCRIPTS = {Path(path).name: text for path, text in everything().items() if "sbin" in path}
SCRIPTS["networkmanager"] = manager_script()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_shell_reads_every_script(name: str) -> None:
    done = run(["sh", "-n"], stdin=SCRIPTS[name], timeout=280)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "@" not in SCRIPTS[name].replace('"$@"', "")


@pytest.mark.lab
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("suite", SUITES)
def test_shellcheck_finds_nothing_wrong(suite: str, name: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(SCRIPTS[name])
    program = unpacked(SHELLCHECK[suite], suite).command("usr/bin/shellcheck")

    done = run([*program, str(script)], timeout=600)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


PYTHON = """\
#!/bin/sh
# A Python that makes an environment with a pip and an lvsnat that only tell what they are asked.
case $1 in
    -c) exit 0 ;;
    -m) [ "$2" = venv ] && mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && exit 0
        echo "pip ${*#-m}" >>"$LOG"
        [ -z "${PIP_FAILS-}" ] || exit 1
        printf '#!/bin/sh\\necho "lvsnat $*" >>"$LOG"\\n' >/opt/lvsnat/bin/lvsnat
        chmod +x /opt/lvsnat/bin/lvsnat ;;
esac
"""


@pytest.mark.kernel
def test_an_instance_becomes_a_director_boot_after_boot(tmp_path: Path) -> None:
    """In the lab, where /opt and /usr/local are in memory, with programs that tell their words."""
    log, script, places = tmp_path / "log", tmp_path / "script", tmp_path / "bin"
    places.mkdir()
    script.write_text(files(director_data())[SCRIPT])
    for name in ("apt-get", "systemctl", "modprobe"):
        (places / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"$LOG"\n')
    (places / "python3").write_text(PYTHON)
    for program in places.iterdir():
        program.chmod(0o755)

    def boot(**more: str) -> tuple[int, list[str]]:
        log.write_text("")
        path = f"{places}:/usr/sbin:/usr/bin:/sbin:/bin"
        environment = {"LOG": str(log), "PATH": path, **more}
        done = subprocess.run(["sh", str(script)], env=environment, check=False)
        return done.returncode, log.read_text().splitlines()

    failed, said = boot(PIP_FAILS="1")
    assert failed
    assert not any(line.startswith("lvsnat") for line in said)
    code, first = boot()
    assert code == 0
    assert any("install" in line and "python3-venv" in line for line in first)
    code, second = boot()
    assert (code, second) == (
        0,
        ["modprobe ip_vs", "lvsnat system install", "systemctl start lvsnat.service",
         "lvsnat aws apply --yes"],
    )  # fmt: skip
    assert first[-4:] == second


def test_what_the_tests_look_at_is_what_is_printed(lvsnat: CommandLine) -> None:
    lvsnat.paths.config.write_text(CONFIG)

    data: Any = user_data(lvsnat, "--role", "director", "--package", "lvsnat==0.1.0")

    assert data == director_data()
