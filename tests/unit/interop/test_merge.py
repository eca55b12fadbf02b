"""Imported services in a configuration that has services already."""

from __future__ import annotations

from lvsnat.config.edit import ConfigDocument
from lvsnat.config.parse import parse_config
from lvsnat.interop.haproxy.reader import read as read_haproxy
from lvsnat.interop.ipvsadm.live import read_table
from lvsnat.interop.ipvsadm.printer import render
from lvsnat.interop.ipvsadm.reader import read
from lvsnat.interop.merge import merge
from lvsnat.ipvs.resources import expand
from lvsnat.model.config import Timeouts
from lvsnat.model.endpoint import Endpoint
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.resource import Key

CONFIG = """\
mode = "lvs-nat"

# the shop
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
scheduler = "wrr"
persistence = { timeout = 300, netmask = 32 }
servers = [
  { address = "192.168.2.55:80", weight = 3, upper = 100 }, # the big one
  { address = "192.168.2.56:80" },
]
"""
WEB = "-t 192.168.1.50:80"
SAME = f"""\
-A {WEB} -s wrr -p 300
-a {WEB} -r 192.168.2.55:80 -m -w 3
-a {WEB} -r 192.168.2.56:80 -m -w 1
"""


def merged(text: str, rules: str, prefix: str = "") -> ConfigDocument:
    document = ConfigDocument.parse(text)
    merge(document, read(rules, lambda _name, _protocol: None), prefix=prefix)
    assert parse_config(document.text, "test") == document.config
    return document


def test_rules_that_say_what_the_configuration_says_leave_its_text_alone() -> None:
    assert merged(CONFIG, SAME).text == CONFIG


def test_a_new_listener_is_a_new_service() -> None:
    document = merged(CONFIG, "-A -u 192.168.1.50:53 -s rr")

    assert document.text.startswith(CONFIG)
    assert document.config.services[1].name == "udp-192.168.1.50-53"


def test_a_prefix_is_put_before_new_names() -> None:
    document = merged(CONFIG, SAME + "-A -f 7", prefix="old-")

    assert [service.name for service in document.config.services] == ["web", "old-fwmark-7"]


def test_a_name_that_is_taken_gets_a_number() -> None:
    text = CONFIG.replace('"web"', '"fwmark-7"')

    document = merged(text, "-A -f 7")

    assert document.config.services[1].name == "fwmark-7-2"


def test_a_known_listener_gets_the_imported_settings_and_servers() -> None:
    document = merged(
        CONFIG, f"-A {WEB} -s rr\n-a {WEB} -r 192.168.2.57:80 -m\n-a {WEB} -r 192.168.2.55:80 -m"
    )

    web = document.config.find("web")
    assert web.scheduler == "rr"
    assert web.persistence is None
    assert [str(server.endpoint) for server in web.servers] == [
        "192.168.2.55:80",
        "192.168.2.57:80",
    ]
    assert "# the big one" in document.text


def test_thresholds_stay_where_the_rules_say_nothing_of_any() -> None:
    document = merged(CONFIG, SAME.replace("-w 3", "-w 5"))

    server = document.config.find("web").servers[0]
    assert (server.weight, server.upper) == (5, 100)


def test_thresholds_are_taken_where_the_rules_have_some() -> None:
    document = merged(CONFIG, SAME.replace("-w 1", "-w 1 -x 7"))

    assert [server.upper for server in document.config.find("web").servers] == [0, 7]


def test_timeouts_are_taken_one_by_one() -> None:
    document = merged(CONFIG, "--set 1800 0 60")
    again = merged(document.text, "--set 0 30 90")

    assert document.config.ipvs.timeouts == Timeouts(tcp=1800, udp=60)
    assert again.config.ipvs.timeouts == Timeouts(1800, 30, 90)
    assert CONFIG in again.text


def test_timeouts_go_into_a_table_that_is_there() -> None:
    dotted = merged("ipvs.timeouts.tcp = 5\n", "--set 6 7 0")
    bare = merged("[ipvs] # all of it\n", "--set 6 7 0")
    header = merged("[ipvs.timeouts]\ntcp = 5 # short\n", "--set 0 7 0")

    assert dotted.config.ipvs.timeouts == bare.config.ipvs.timeouts == Timeouts(6, 7)
    assert header.config.ipvs.timeouts == Timeouts(5, 7)
    assert "# short" in header.text


def test_an_export_comes_back_as_no_change() -> None:
    text = CONFIG + '\n[[service]]\nname = "ftp"\nlisten = "tcp/192.168.1.50:21,8000-8100"\n'
    config = parse_config(text, "test")

    document = merged(text, render(expand(config)))

    assert document.text == text


def test_a_drained_server_keeps_its_configured_weight() -> None:
    table = render(expand(parse_config(CONFIG, "test"))).replace("-w 3", "-w 0")
    drained = list(expand(merged(CONFIG, table).config))
    held = {Key("server", f"tcp/192.168.1.50:80 {Endpoint.parse('192.168.2.55:80')}")}
    document = ConfigDocument.parse(CONFIG)

    merge(document, read_table(drained), held=held)

    assert document.text == CONFIG


def test_checks_that_haproxy_cannot_make_stay_with_what_follows_from_them() -> None:
    text = (
        '[[service]]\nname = "web"\nlisten = "tcp/192.168.1.50:80"\nscheduler = "wrr"\n'
        'check = ["ping", "http:/old"] # why\nquorum = 2\nwarmup = "5s"\n'
        'servers = [{ address = "192.168.2.55:80" }]\n'
    )
    rules = (
        "defaults\n timeout check 2s\nlisten web\n bind 192.168.1.50:80\n balance roundrobin\n"
        " option httpchk GET /new\n source 0.0.0.0 usesrc clientip\n"
        " server a 192.168.2.55:80 check slowstart 30s\n"
    )
    document = ConfigDocument.parse(text)

    merge(document, read_haproxy(rules, {}))

    web = document.config.find("web")
    assert [check.question for check in web.checks] == ["http:/new", "ping"]
    assert web.policy == HealthPolicy(quorum=2, warmup=30.0)
