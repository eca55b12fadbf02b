"""Reading lvsnat.toml, and the exact words of each refusal."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest

from lvsnat.config.parse import parse_config
from lvsnat.config.problems import ConfigError, Problem, key_path
from lvsnat.errors import ExitCode
from lvsnat.model.aws import AwsOptions, Layout
from lvsnat.model.config import Config, HaproxyOptions, HostOptions
from lvsnat.model.daemon import DaemonOptions, LogFormat, OnDrift, OnStop
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.mode import Mode
from lvsnat.model.policy import HealthPolicy, OnFail
from lvsnat.model.service import (
    Persistence,
    PersistenceEngine,
    ProxyOptions,
    ProxyProtocol,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)

FULL = """
version = 1
mode = "lvs-nat"

[[service]]
name = "voice"
listen = "udp/192.168.1.50:5060"
scheduler = "sh"
flags = ["sh-port", "sh-fallback"]
persistence = { timeout = "5m", netmask = "255.255.255.0", engine = "sip" }
one_packet = false
servers = [
  { address = "192.168.2.55:5060", weight = 3, upper = 100, lower = 80 },
  { address = "192.168.2.56:5060" },
]

[host]
manage_vip = false
vip_interface = "eth0"
manage_sysctl = false
"""
PROXIED = """
mode = "haproxy-tproxy"

[[service]]
name = "shop"
listen = "tcp/192.168.1.50:443"
sorry = "192.168.2.99:443"

[service.check]
type = "https"
path = "/health"
method = "HEAD"
host = "shop.example.com"
expect = "200-299, 301"
body = "ready"
verify = false
port = 8443
interval = 5
fast_interval = "500ms"
timeout = "1m"
rise = 1
fall = 4

[service.haproxy]
mode = "http"
client_timeout = "5m"
server_timeout = 60
connect_timeout = "2s"
maxconn = 500
forwardfor = true
cookie = "SRV"
frontend_lines = ["option httpclose"]
backend_lines = ["retries 3", "option http-server-close"]

[haproxy]
local_networks = ["192.168.2.0/24", "fd02::/64"]
maxconn = 1000
hard_stop_after = "1h"
connect_timeout = 3
queue_timeout = "1m"
mark = 0x10000000
table = 100
priority = 50
side_port_offset = 20000
"""
ON_EC2 = """
[aws]
layout = "dual-subnet"
region = "eu-west-1"
profile = "production"
endpoint_url = "https://ec2.example:8443"
eni = "eni-0a1b2c3d4e5f67890"
vip = "10.0.1.200"
real_server_subnets = ["subnet-0a1b2c3d", "subnet-0a1b2c3e"]
clients = ["198.51.100.0/24", "2001:db8::/32"]
eip_allocation = "eipalloc-0a1b2c3d"
allocate_eip = false
security_groups = true
peer_eni = "eni-0f9e8d7c6b5a43210"
"""
SERVICE = '[[service]]\nname = "web"\nlisten = "tcp/192.168.1.50:80"\n'


def refusal(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "f.toml")
    return caught.value


def problems(text: str) -> list[str]:
    return [str(problem) for problem in refusal(text).problems]


def test_every_key_is_read() -> None:
    service = VirtualService(
        "voice",
        parse_listener("udp/192.168.1.50:5060"),
        Scheduler.SH,
        frozenset({SchedulerFlag.SH_PORT, SchedulerFlag.SH_FALLBACK}),
        Persistence(300, 24, PersistenceEngine.SIP),
        (
            RealServer(Endpoint.parse("192.168.2.55:5060"), 3, 100, 80),
            RealServer(Endpoint.parse("192.168.2.56:5060")),
        ),
    )

    config = parse_config(FULL, "f.toml")

    assert config == Config(
        Mode.LVS_NAT,
        (service,),
        HostOptions(manage_vip=False, vip_interface="eth0", manage_sysctl=False),
    )


def test_every_key_of_haproxys_is_read() -> None:
    check = HealthCheck(
        CheckType.HTTPS, "/health", "HEAD", "shop.example.com", ((200, 299), (301, 301)), "ready",
        verify=False, port=8443, interval=5, fast_interval=0.5, timeout=60, rise=1, fall=4,
    )  # fmt: skip
    proxy = ProxyOptions(
        ProxyProtocol.HTTP, 300, 60, 2, 500, forward_for=True, cookie="SRV",
        frontend_lines=("option httpclose",),
        backend_lines=("retries 3", "option http-server-close"),
    )  # fmt: skip
    networks = (IPv4Network("192.168.2.0/24"), IPv6Network("fd02::/64"))

    config = parse_config(PROXIED, "f.toml")

    assert config.mode is Mode.HAPROXY_TPROXY
    assert config.services == (
        VirtualService(
            "shop",
            parse_listener("tcp/192.168.1.50:443"),
            check=check,
            sorry=Endpoint.parse("192.168.2.99:443"),
            proxy=proxy,
        ),
    )
    assert config.haproxy == HaproxyOptions(networks, 1000, 3600, 3, 60, 0x10000000, 100, 50, 20000)


def test_every_key_of_ec2s_is_read() -> None:
    config = parse_config(ON_EC2, "f.toml")

    assert config.aws == AwsOptions(
        Layout.DUAL_SUBNET,
        "eu-west-1",
        "production",
        "https://ec2.example:8443",
        "eni-0a1b2c3d4e5f67890",
        IPv4Address("10.0.1.200"),
        ("subnet-0a1b2c3d", "subnet-0a1b2c3e"),
        (IPv4Network("198.51.100.0/24"), IPv6Network("2001:db8::/32")),
        "eipalloc-0a1b2c3d",
        allocate_eip=False,
        security_groups=True,
        peer_eni="eni-0f9e8d7c6b5a43210",
    )


def test_an_empty_table_for_ec2_is_not_none_at_all() -> None:
    assert parse_config("[aws]\n", "f.toml").aws == AwsOptions()
    assert parse_config("", "f.toml").aws is None


@pytest.mark.parametrize(
    ("written", "check"),
    [
        ('"tcp"', HealthCheck()),
        ("{}", HealthCheck()),
        ('"http"', HealthCheck(CheckType.HTTP)),
        ('"http:/health?a=b:c"', HealthCheck(CheckType.HTTP, "/health?a=b:c")),
        ('{ type = "https", path = "/x" }', HealthCheck(CheckType.HTTPS, "/x")),
        ('{ type = "http", expect = 204 }', HealthCheck(CheckType.HTTP, expect=((204, 204),))),
    ],
)
def test_a_check_has_several_forms(written: str, check: HealthCheck) -> None:
    config = parse_config(f"{SERVICE}check = {written}\n", "f.toml")

    assert config.services[0].check == check


@pytest.mark.parametrize(
    ("written", "questions"),
    [
        ('check = ["tcp", { type = "ping" }]', ["tcp", "ping"]),
        ('check = ["agent:8080"]', ["agent:8080"]),
        ("check = []", []),
        ('[[service.check]]\ntype = "ping"\n[[service.check]]\nport = 81', ["ping", "tcp"]),
    ],
)
def test_several_checks_stand_in_an_array(written: str, questions: list[str]) -> None:
    config = parse_config(f"{SERVICE}{written}\n", "f.toml")

    assert [check.question for check in config.services[0].checks] == questions


@pytest.mark.parametrize(
    ("written", "policy"),
    [
        ('max_down = "50%"', HealthPolicy(max_down=50)),
        ("max_down = 50", HealthPolicy(max_down=50)),
        ('on_fail = "remove"\nquorum = 2', HealthPolicy(OnFail.REMOVE, 2)),
        ('warmup = "1500ms"\ndamping = 600', HealthPolicy(warmup=1.5, damping=600)),
    ],
)
def test_what_follows_from_failures_has_several_forms(written: str, policy: HealthPolicy) -> None:
    assert parse_config(f"{SERVICE}{written}\n", "f.toml").services[0].policy == policy


def test_the_daemon_has_a_table() -> None:
    text = (
        '[daemon]\ndrift = "report"\ninterval = "10s"\non_stop = "drain"\nmetrics = "[::1]:9101"\n'
        'per_server = false\nnotify = ["/bin/page"]\nlog = "json"\n'
    )

    assert parse_config(text, "f.toml").daemon == DaemonOptions(
        OnDrift.REPORT,
        10.0,
        OnStop.DRAIN,
        Endpoint.parse("[::1]:9101"),
        per_server=False,
        notify=("/bin/page",),
        log=LogFormat.JSON,
    )


@pytest.mark.parametrize("written", ["9101", '":9101"', '"9101"'])
def test_a_port_alone_does_not_say_who_may_ask(written: str) -> None:
    error = refusal(f"[daemon]\nmetrics = {written}\n")

    assert error.message.endswith("does not say on which address")
    assert "'127.0.0.1:9101' for this machine alone" in str(error.hint)


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "service = []\n"])
def test_an_empty_file_is_an_empty_configuration(text: str) -> None:
    assert parse_config(text, "f.toml") == Config()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90", 90), ('"90s"', 90), ('"5m"', 300), ('"2h"', 7200), ("{ timeout = 5 }", 5)],
)
def test_a_duration_has_several_forms(written: str, seconds: int) -> None:
    config = parse_config(f"{SERVICE}persistence = {written}\n", "f.toml")

    assert config.services[0].persistence == Persistence(seconds)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            'schedular = "rr"',
            "service[0].schedular: unknown key; did you mean 'scheduler'?",
        ),
        ("zzz = 1", "service[0].zzz: unknown key"),
        ('"a b" = 1', "service[0].'a b': unknown key"),
        ('scheduler = "wrrr"', "service[0].scheduler: 'wrrr' is not a scheduler"),
        (
            "scheduler = 7",
            "service[0].scheduler: expected a scheduler as a string, found a whole number: 7",
        ),
        ('flags = "sh-port"', "service[0].flags: expected an array, found a string: 'sh-port'"),
        ('flags = ["sh-prt"]', "service[0].flags[0]: 'sh-prt' is not a scheduler flag"),
        (
            'flags = ["mh-port"]',
            "service[0].flags: mh-port is a flag of the scheduler mh, and this service uses wlc",
        ),
        ('persistence = "5 m"', "service[0].persistence: '5 m' is not a duration"),
        (
            "persistence = 0",
            "service[0].persistence: 0 is not a persistence timeout (1 to 2678400 seconds)",
        ),
        (
            "persistence = true",
            (
                "service[0].persistence: expected seconds, a duration or a table such as"
                " { timeout = 300 }, found true or false: true"
            ),
        ),
        (
            "persistence = { timeout = [] }",
            (
                "service[0].persistence.timeout: expected seconds or a duration such as '5m',"
                " found an array"
            ),
        ),
        ("persistence = {}", "service[0].persistence: 'timeout' is missing"),
        (
            "persistence = { timeout = 5, netmask = 33 }",
            "service[0].persistence.netmask: 33 is not a prefix length of IPv4 (1 to 32)",
        ),
        (
            'persistence = { timeout = 5, netmask = "0.0.0.255" }',
            "service[0].persistence.netmask: '0.0.0.255' is not a netmask",
        ),
        (
            "persistence = { timeout = 5, netmask = 1.5 }",
            (
                "service[0].persistence.netmask: expected a prefix length or a mask such as"
                " '255.255.255.0', found a decimal number: 1.5"
            ),
        ),
        (
            'persistence = { timeout = 5, engine = "ftp" }',
            "service[0].persistence.engine: 'ftp' is not a persistence engine",
        ),
        (
            "one_packet = true",
            (
                "service[0].one_packet: one-packet scheduling cannot work with masquerading:"
                " replies would leave with the real server's own address"
            ),
        ),
        (
            "one_packet = 1",
            "service[0].one_packet: expected true or false, found a whole number: 1",
        ),
        ('check = "dns"', "service[0].check: 'dns' is not a check"),
        ('check = "tcp:/x"', "service[0].check: 'tcp:/x' is not a check"),
        ('check = "http:health"', "service[0].check: 'http:health' is not a check"),
        (
            "check = true",
            (
                "service[0].check: expected a string such as 'http:/health', or a table,"
                " found true or false: true"
            ),
        ),
        ('check = { type = "pong" }', "service[0].check.type: 'pong' is not a type of check"),
        (
            'check = { typ = "http" }',
            "service[0].check.typ: unknown key; did you mean 'type'?",
        ),
        ('check = ["tcp", "x"]', "service[0].check[1]: 'x' is not a check"),
        (
            'check = ["tcp", { typ = "ping" }]',
            "service[0].check[1].typ: unknown key; did you mean 'type'?",
        ),
        (
            'max_down = "half"',
            "service[0].max_down: 'half' is not a share in per cent",
        ),
        (
            'on_fail = "kill"',
            "service[0].on_fail: 'kill' is not what becomes of a failed server",
        ),
        (
            'check = { jitter = "x" }',
            ("service[0].check.jitter: expected a decimal number such as 0.1, found a string: 'x'"),
        ),
        ('check = { interval = "2 s" }', "service[0].check.interval: '2 s' is not a duration"),
        (
            "check = { timeout = 0.5 }",
            (
                "service[0].check.timeout: expected seconds or a duration such as '2s' or"
                " '500ms', found a decimal number: 0.5"
            ),
        ),
        (
            'check = { type = "http", expect = "2xx" }',
            "service[0].check.expect: '2xx' is not a list of HTTP statuses",
        ),
        (
            'check = { type = "http", expect = true }',
            (
                "service[0].check.expect: expected an HTTP status, or a string such as"
                " '200-299,301', found true or false: true"
            ),
        ),
        (
            'check = { path = "/x" }',
            "service[0].check.path: path is for checks by http and https, and this one is tcp",
        ),
        ('sorry = "backup"', "service[0].sorry: 'backup' is not an address and a port"),
        (
            'haproxy = { mode = "udp" }',
            "service[0].haproxy.mode: 'udp' is not a mode of HAProxy",
        ),
        (
            "haproxy = { maxcon = 5 }",
            "service[0].haproxy.maxcon: unknown key; did you mean 'maxconn'?",
        ),
        (
            'haproxy = { maxconn = "5" }',
            "service[0].haproxy.maxconn: expected a whole number, found a string: '5'",
        ),
        (
            "haproxy = { backend_lines = [5] }",
            ("service[0].haproxy.backend_lines[0]: expected a string, found a whole number: 5"),
        ),
        (
            "haproxy = { cookie = 5 }",
            "service[0].haproxy.cookie: expected a string, found a whole number: 5",
        ),
        ("servers = {}", "service[0].servers: expected an array, found a table"),
        (
            'servers = ["a"]',
            "service[0].servers[0]: expected a table, found a string: 'a'",
        ),
        ("servers = [{ weight = 1 }]", "service[0].servers[0]: 'address' is missing"),
        (
            'servers = [{ addres = "192.168.2.55:80" }]',
            "service[0].servers[0].addres: unknown key; did you mean 'address'?",
        ),
        (
            "servers = [{ address = 1979-05-27 }]",
            (
                "service[0].servers[0].address: expected an address and a port as a string,"
                " found a date or a time: 1979-05-27"
            ),
        ),
        (
            'servers = [{ address = "web1:80" }]',
            "service[0].servers[0].address: 'web1' is not an IP address",
        ),
        (
            'servers = [{ address = "192.168.2.55" }]',
            "service[0].servers[0].address: '192.168.2.55' is not an address and a port",
        ),
        (
            'servers = [{ address = "192.168.2.55:80", weight = 65536 }]',
            "service[0].servers[0].weight: 65536 is not a weight (0 to 65535)",
        ),
        (
            'servers = [{ address = "192.168.2.55:80", weight = true }]',
            "service[0].servers[0].weight: expected a whole number, found true or false: true",
        ),
    ],
)
def test_a_wrong_key_of_a_service_is_named_with_its_line(line: str, problem: str) -> None:
    assert problems(f"{SERVICE}{line}\n") == [f"f.toml:4: {problem}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('mode = "dr"', "f.toml:1: mode: 'dr' is not a mode"),
        ("services = []", "f.toml:1: services: unknown key; did you mean 'service'?"),
        ("service = 5", "f.toml:1: service: expected an array, found a whole number: 5"),
        ("service = [1]", "f.toml:1: service[0]: expected a table, found a whole number: 1"),
        ('[[service]]\nname = "a"', "f.toml:1: service[0]: 'listen' is missing"),
        ('[[service]]\nlisten = "fwmark/7"', "f.toml:1: service[0]: 'name' is missing"),
        ('version = "1"', "f.toml:1: version: expected a whole number, found a string: '1'"),
        ("version = 0", "f.toml:1: version: 0 is not a version"),
        (
            "\nversion = 2\nnew_key = true",
            "f.toml:2: version: the file has the form of version 2; this lvsnat reads version 1",
        ),
        ("host = 1", "f.toml:1: host: expected a table, found a whole number: 1"),
        (
            "[host]\nvip_interface = 5",
            "f.toml:2: host.vip_interface: expected a string, found a whole number: 5",
        ),
        ("[haproxy]\nmarks = 1", "f.toml:2: haproxy.marks: unknown key; did you mean 'mark'?"),
        (
            "[haproxy]\nmark = 0",
            "f.toml:2: haproxy.mark: 0 is not a firewall mark (1 to 4294967295)",
        ),
        (
            '[haproxy]\nlocal_networks = ["192.168.2.5/24"]',
            (
                "f.toml:2: haproxy.local_networks[0]: '192.168.2.5/24' is an address within a"
                " network"
            ),
        ),
        (
            '[haproxy]\nhard_stop_after = "15min"',
            "f.toml:2: haproxy.hard_stop_after: '15min' is not a duration",
        ),
        ("aws = 5", "f.toml:1: aws: expected a table, found a whole number: 5"),
        ('[aws]\nlayout = "dual"', "f.toml:2: aws.layout: 'dual' is not a layout"),
        ("[aws]\nenis = 1", "f.toml:2: aws.enis: unknown key; did you mean 'eni'?"),
        ("[aws]\neni = 1", "f.toml:2: aws.eni: expected a string, found a whole number: 1"),
        (
            '[aws]\nreal_server_subnets = ["subnet-0a1b2c3d", 5]',
            ("f.toml:2: aws.real_server_subnets[1]: expected a string, found a whole number: 5"),
        ),
        (
            '[aws]\nregion = "eu-west-1a"',
            "f.toml:2: aws.region: 'eu-west-1a' is a zone, not a region",
        ),
        ("mode = ", "f.toml:1:8: not TOML: Invalid value"),
        ("a = 1\nb 2", "f.toml:2:3: not TOML: Expected '=' after a key in a key/value pair"),
        ("a = 1\na = 2", "f.toml:2:6: not TOML: Cannot overwrite a value"),
        ("\ufeffmode = 1", "f.toml:1:1: the text begins with a byte order mark"),
        (f"a = {'[' * 9999}", "f.toml: brackets are nested too deeply to be read"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(text: str, problem: str) -> None:
    assert problems(text) == [problem]


def test_a_number_without_end_is_refused() -> None:
    assert problems(f"a = {'9' * 9999}")[0].startswith("f.toml: not TOML: Exceeds the limit")


def test_a_dotted_mask_is_for_ipv4() -> None:
    text = '[[service]]\nname = "a"\nlisten = "fwmark/7/ipv6"\n'
    text += 'persistence = { timeout = 5, netmask = "255.255.255.0" }\n'

    assert problems(text) == [
        (
            "f.toml:4: service[0].persistence.netmask:"
            " a dotted mask is IPv4's, and this service listens on fwmark/7/ipv6"
        )
    ]


def test_all_problems_are_named_at_once_in_the_order_of_their_lines() -> None:
    text = (
        'mode = "x"\n[[service]]\nname = "web"\nlisten = "tcp/192.168.1.50:80"\n'
        'schedular = "sh"\nflags = ["sh-port"]\npersistence = "x"\nservers = [\n'
        '  { address = "192.168.2.55:80", weight = "3" },\n'
        '  { address = "192.168.2.55:80", weight = -3 },\n]\n'
        '[[service]]\nnmae = "web"\nlisten = "tcp/192.168.1.50:80"\n'
        '[[service]]\nname = "web"\nlisten = "tcp/192.168.1.50:0"\npersistence = "x"\n'
    )

    error = refusal(text)

    assert error.code is ExitCode.USAGE
    assert error.hint == "correct all of them; nothing was changed"
    assert error.message.splitlines()[:5] == [
        "10 problems in f.toml",
        "  f.toml:1: mode: 'x' is not a mode",
        "    known: lvs-nat, haproxy-tproxy",
        "  f.toml:5: service[0].schedular: unknown key; did you mean 'scheduler'?",
        (
            "    keys that belong here: name, listen, scheduler, flags, persistence, one_packet,"
            " check, on_fail, quorum, hysteresis, max_down, warmup, damping, sorry, haproxy,"
            " servers"
        ),
    ]
    assert [(p.line, p.key_path) for p in error.problems] == [
        (1, "mode"),
        (5, "service[0].schedular"),
        (7, "service[0].persistence"),
        (9, "service[0].servers[0].weight"),
        (10, "service[0].servers[1].address"),
        (10, "service[0].servers[1].weight"),
        (13, "service[1].nmae"),
        (14, "service[1].listen"),
        (16, "service[2].name"),
        (18, "service[2].persistence"),
    ]


def test_a_value_that_cannot_be_read_leaves_no_doubt_about_the_others() -> None:
    text = SERVICE + (
        'haproxy = { mode = "htp", forwardfor = true, maxconn = 0 }\n'
        'check = { type = "htp", path = "/x", rise = 0 }\n'
    )

    # That forwardfor and path need HTTP is not said: HTTP was probably meant.
    assert problems(text) == [
        "f.toml:4: service[0].haproxy.mode: 'htp' is not a mode of HAProxy",
        (
            "f.toml:4: service[0].haproxy.maxconn:"
            " 0 is not a number of connections (1 to 2147483647)"
        ),
        "f.toml:5: service[0].check.type: 'htp' is not a type of check",
    ]


def test_a_single_problem_is_the_message_itself() -> None:
    error = refusal(f'{SERVICE}scheduler = "wrrr"\n')

    assert error.message == "f.toml:4: service[0].scheduler: 'wrrr' is not a scheduler"
    assert error.hint == "did you mean 'wrr'?"


def test_a_problem_without_text_has_no_line() -> None:
    assert str(Problem("f", None, "mode", "wrong")) == "f: mode: wrong"


def test_a_key_path_reads_as_a_person_writes_it() -> None:
    path = ("service", 2, "servers", 0, "weight")

    assert key_path(path) == "service[2].servers[0].weight"
