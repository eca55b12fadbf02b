"""What a command's edit does to the text, exactly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvsnat.config.edit import ConfigDocument
from lvsnat.config.parse import parse_config
from lvsnat.config.render import HEADER
from lvsnat.errors import UsageError
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.mode import Mode
from lvsnat.model.policy import HealthPolicy
from lvsnat.model.service import Persistence, RealServer, Scheduler, SchedulerFlag, VirtualService

TEXT = """\
# Director of the shop.
mode = "lvs-nat"

# The shop itself.
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"   # the Elastic IP ends here
servers = [
  { address = "192.168.2.55:80", weight = 3 },  # rack 1
  # bought in May
  { address = "192.168.2.56:80" }  # rack 2
  # end of the list
]

# Names.
[[service]]
name = "dns"
listen = "udp/192.168.1.50:53"
persistence = 300  # as the vendor says

[host]
manage_vip = false
"""
NEW = RealServer(Endpoint.parse("192.168.2.57:80"), weight=2)


def document(text: str = TEXT) -> ConfigDocument:
    return ConfigDocument.parse(text)


def changed(before: str, after: str) -> str:
    assert TEXT.count(before) == 1
    return TEXT.replace(before, after)


def test_a_server_is_added_behind_the_last_one() -> None:
    edited = document()

    edited.add_server("web", NEW)

    assert edited.text == changed(
        '{ address = "192.168.2.56:80" }  # rack 2\n',
        '{ address = "192.168.2.56:80" },  # rack 2\n'
        '  { address = "192.168.2.57:80", weight = 2 },\n',
    )


def test_the_first_server_of_a_service_begins_its_list() -> None:
    edited = document()

    edited.add_server("udp/192.168.1.50:53", NEW)

    assert edited.text == changed(
        "# as the vendor says\n",
        '# as the vendor says\nservers = [\n  { address = "192.168.2.57:80", weight = 2 },\n]\n',
    )


def test_a_removed_server_takes_its_line_and_nothing_else() -> None:
    edited = document()

    edited.remove_server("web", Endpoint.parse("192.168.2.55:80"))

    assert edited.text == changed('  { address = "192.168.2.55:80", weight = 3 },  # rack 1\n', "")


def test_a_changed_server_keeps_its_line() -> None:
    edited = document()

    edited.set_server("web", RealServer(Endpoint.parse("192.168.2.55:80"), weight=0, upper=9))

    assert edited.text == changed("weight = 3 }", "weight = 0, upper = 9 }")


def test_a_default_is_left_out() -> None:
    edited = document()

    edited.set_server("web", RealServer(Endpoint.parse("192.168.2.55:80")))

    assert edited.text == changed(", weight = 3 }", " }")


def test_a_removed_service_takes_the_comment_above_it() -> None:
    edited = document()

    edited.remove_service("dns")

    start, end = TEXT.index("# Names."), TEXT.index("[host]")
    assert edited.text == TEXT[:start] + TEXT[end:]


def test_the_comment_at_the_top_of_the_file_stays() -> None:
    edited = document('# Ours.\n[[service]]\nname = "a"\nlisten = "fwmark/1"\n')

    edited.remove_service("a")

    assert edited.text == "# Ours.\n"


def test_a_service_is_added_behind_the_last_one() -> None:
    edited = document()
    service = VirtualService(
        "voice",
        parse_listener("udp/192.168.1.50:5060"),
        Scheduler.SH,
        frozenset({SchedulerFlag.SH_PORT}),
        Persistence(300, 24),
        (NEW,),
    )

    edited.add_service(service)

    assert edited.text == changed(
        "# as the vendor says\n",
        """\
# as the vendor says

[[service]]
name = "voice"
listen = "udp/192.168.1.50:5060"
scheduler = "sh"
flags = ["sh-port"]
persistence = { timeout = 300, netmask = 24 }
servers = [
  { address = "192.168.2.57:80", weight = 2 },
]
""",
    )


def test_only_what_differs_is_written() -> None:
    edited = document()
    dns = edited.config.find("dns")

    edited.set_service(
        "dns", replace(dns, scheduler=Scheduler.WRR, persistence=Persistence(300, 24))
    )

    assert edited.text == changed(
        'listen = "udp/192.168.1.50:53"\npersistence = 300  #',
        'listen = "udp/192.168.1.50:53"\nscheduler = "wrr"\n'
        "persistence = { timeout = 300, netmask = 24 }  #",
    )


def test_a_service_can_be_renamed() -> None:
    edited = document()

    edited.set_service("dns", replace(edited.config.find("dns"), name="names"))

    assert edited.text == changed('name = "dns"', 'name = "names"')
    assert edited.config.find("names").name == "names"


def test_nothing_to_change_changes_nothing() -> None:
    edited = document()

    for service in edited.config.services:
        edited.set_service(service.name, service)

    assert edited.text == TEXT


def test_a_table_of_its_own_is_edited_where_it_stands() -> None:
    edited = document(
        '[[service]]\nname = "a"\nlisten = "fwmark/1"\n\n[host]\n\n[[service]]\nname = "b"\n'
        'listen = "fwmark/2"\n[service.persistence]\ntimeout = 5 # five\n'
    )
    service = edited.config.find("b")

    edited.set_service("b", replace(service, persistence=Persistence(6, 24)))

    assert edited.text.endswith("[service.persistence]\ntimeout = 6 # five\nnetmask = 24\n")


def test_windows_line_ends_stay() -> None:
    edited = document(TEXT.replace("\n", "\r\n"))

    edited.add_server("web", NEW)

    assert "\n" not in edited.text.replace("\r\n", "")
    assert parse_config(edited.text, "f") == edited.config


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(UsageError, match="no service 'shop'") as caught:
        document().remove_service("shop")

    assert caught.value.hint == "services in the configuration: web, dns"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("wbe", "web"),
        ("192.168.1.50:80", "tcp/192.168.1.50:80"),
        ("udp/192.168.1.50:80", "tcp/192.168.1.50:80"),
    ],
)
def test_of_an_unknown_service_the_hint_names_the_one_like_it(said: str, meant: str) -> None:
    with pytest.raises(UsageError, match="no service") as caught:
        parse_config(TEXT, "f").find(said)

    assert caught.value.hint is not None
    assert caught.value.hint.startswith(f"did you mean {meant}")


def test_an_unknown_server_is_refused() -> None:
    with pytest.raises(UsageError, match=r"web has no real server 192\.168\.2\.57:80") as caught:
        document().set_server("web", NEW)

    assert caught.value.hint == "its real servers: 192.168.2.55:80, 192.168.2.56:80"


def test_the_mode_is_written_in_its_place() -> None:
    edited = document(changed('mode = "lvs-nat"\n', 'mode = "lvs-nat"  # for now\n'))

    edited.set_mode(Mode.HAPROXY_TPROXY)

    assert edited.text == changed('mode = "lvs-nat"\n', 'mode = "haproxy-tproxy"  # for now\n')
    assert edited.config.mode is Mode.HAPROXY_TPROXY


def test_the_mode_that_there_is_changes_nothing() -> None:
    edited = document("# nothing yet\n")

    edited.set_mode(Mode.LVS_NAT)

    assert edited.text == "# nothing yet\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("version = 1  # ours\n[host]\n", "version = 1  # ours\nMODE\n[host]\n"),
        ("version = 1", "version = 1\nMODE\n"),
        ("# Ours.\n[host]\n", "# Ours.\nMODE\n\n[host]\n"),
        ("# Ours.\n\n# The host.\n[host]\n", "# Ours.\n\nMODE\n\n# The host.\n[host]\n"),
        ("[host]\n", "MODE\n\n[host]\n"),
        ("host.manage_vip = true\n", "MODE\nhost.manage_vip = true\n"),
        ("service = []\nversion = 1\n", "service = []\nversion = 1\nMODE\n"),
        ("# nothing yet\n", "# nothing yet\n\nMODE\n"),
        ("# nothing yet\r\n[host]\r\n", "# nothing yet\r\nMODE\r\n\r\n[host]\r\n"),
        ("", f"{HEADER}MODE\n"),
    ],
)
def test_a_mode_that_was_not_said_comes_to_the_top(before: str, after: str) -> None:
    edited = document(before)

    edited.set_mode(Mode.HAPROXY_TPROXY)

    assert edited.text == after.replace("MODE", 'mode = "haproxy-tproxy"')
    assert parse_config(edited.text, "test").mode is Mode.HAPROXY_TPROXY


def test_a_check_and_a_sorry_server_come_before_the_servers() -> None:
    edited = document()
    web = edited.config.find("web")

    edited.set_service(
        "web",
        replace(web, check=HealthCheck.parse("http:/up"), sorry=Endpoint.parse("192.168.2.99:80")),
    )

    assert edited.text == changed(
        "# the Elastic IP ends here\n",
        '# the Elastic IP ends here\ncheck = "http:/up"\nsorry = "192.168.2.99:80"\n',
    )


@pytest.mark.parametrize(
    ("written", "wanted", "after"),
    [
        ('check = "tcp"  # c', HealthCheck.parse("http:/up"), 'check = "http:/up"  # c'),
        ('check = "tcp"', HealthCheck(rise=5), 'check = { type = "tcp", rise = 5 }'),
        (
            'check = { type = "tcp", rise = 5 }  # c',
            HealthCheck(rise=5, interval=0.5),
            'check = { type = "tcp", rise = 5, interval = "500ms" }  # c',
        ),
        ("check.rise = 5", HealthCheck(), 'check.type = "tcp"'),
        ("check.rise = 5", None, ""),
        (
            "[service.check]\nrise = 5  # c",
            HealthCheck(rise=6),
            '[service.check]\nrise = 6  # c\ntype = "tcp"',
        ),
    ],
)
def test_a_check_is_changed_in_the_way_it_was_written(
    written: str, wanted: HealthCheck | None, after: str
) -> None:
    service = '[[service]]\nname = "a"\nlisten = "tcp/192.168.1.50:80"\n'
    edited = document(f"{service}{written}\n")

    edited.set_service("a", replace(edited.config.find("a"), check=wanted))

    assert edited.text == f"{service}{after}\n".replace("\n\n", "\n")


@pytest.mark.parametrize(
    ("written", "wanted", "after"),
    [
        (
            'check = [ # a\n  "tcp", # b\n  { type = "ping", rise = 5 }, # c\n]',
            [HealthCheck.parse("http:/up"), HealthCheck(CheckType.PING, rise=6)],
            'check = [ # a\n  "http:/up", # b\n  { type = "ping", rise = 6 }, # c\n]',
        ),
        ('check = ["tcp"] # a', [HealthCheck(rise=5)], 'check = [{ type = "tcp", rise = 5 }] # a'),
        (
            'check = "tcp" # a',
            [HealthCheck(), HealthCheck(CheckType.PING)],
            'check = ["tcp", "ping"] # a',
        ),
        ('check = ["tcp", "ping"] # a', [HealthCheck()], 'check = "tcp" # a'),
        (
            '[[service.check]]\ntype = "ping" # a\n[[service.check]]\ntype = "udp"',
            [HealthCheck(CheckType.PING), HealthCheck(CheckType.UDP, port=5)],
            '[[service.check]]\ntype = "ping" # a\n[[service.check]]\ntype = "udp"\nport = 5',
        ),
        ('[[service.check]]\ntype = "ping"', [], ""),
    ],
)
def test_several_checks_are_changed_in_the_way_they_were_written(
    written: str, wanted: list[HealthCheck], after: str
) -> None:
    service = '[[service]]\nname = "a"\nlisten = "tcp/192.168.1.50:80"\n'
    edited = document(f"{service}{written}\n")

    edited.set_service("a", edited.config.find("a").asked(wanted))

    assert edited.text == f"{service}{after}\n".replace("\n\n", "\n")


def test_a_policy_is_written_key_by_key() -> None:
    service = '[[service]]\nname = "a"\nlisten = "tcp/192.168.1.50:80"\n'
    edited = document(f'{service}max_down = 50 # half\nwarmup = "30s"\n')
    policy = HealthPolicy(quorum=2, max_down=25)

    edited.set_service("a", replace(edited.config.find("a"), policy=policy))

    assert edited.text == f'{service}quorum = 2\nmax_down = "25%" # half\n'


def test_a_key_comes_behind_an_array_among_dotted_keys() -> None:
    text = '[[service]]\nname = "a"\nlisten = "tcp/192.168.1.50:80"\n'
    text += 'haproxy.backend_lines = ["retries 3", "option redispatch"]\n'
    edited = document(text)
    old = edited.config.find("a")

    edited.set_service("a", replace(old, proxy=replace(old.proxy, maxconn=5)))

    assert edited.text == f"{text}haproxy.maxconn = 5\n"
