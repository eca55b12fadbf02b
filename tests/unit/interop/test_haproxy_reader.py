"""The text of haproxy.cfg in; virtual services, notes and every problem out."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from lvsnat.interop.haproxy.reader import read
from lvsnat.interop.imported import Imported
from lvsnat.model.endpoint import Endpoint, Family, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.policy import HealthPolicy, OnFail
from lvsnat.model.service import (
    Persistence,
    ProxyOptions,
    ProxyProtocol,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)

OLD = r"""
global
    log /dev/log local4
    ulimit-n 81000
    daemon

defaults
    log global
    mode http
    contimeout 4000
    clitimeout 42000
    srvtimeout 43000

listen http1 192.168.1.50:80
    balance roundrobin
    option httpchk HEAD /health HTTP/1.1\r\nHost:\ www
    server http1_1 192.168.2.55:80 cookie http1_1 check inter 2000 rise 2 fall 3
    server http1_2 192.168.2.56:80 cookie http1_2 check inter 2000 rise 2 fall 3 weight 3
"""
PAIR = """
frontend web
    bind 192.168.1.50:80
    {front}
    default_backend servers
backend servers
    {back}
    source 0.0.0.0 usesrc clientip
    server a 192.168.2.55:80
    server b 192.168.2.56:80
"""


def imported(text: str, *vips: str) -> Imported:
    known = [ip_address(vip) for vip in vips]
    return read(text, {Family.of(vip): vip for vip in known})


def listen(*lines: str) -> str:
    """A section with a server that sees the client's address."""
    text = "\n".join(lines)
    places = [] if "bind" in text else ["bind 192.168.1.50:80"]
    servers = [] if "server " in text else ["server a 192.168.2.55:80"]
    return "\n".join(["listen web", "source 0.0.0.0 usesrc clientip", *places, *lines, *servers])


def service(*lines: str) -> VirtualService:
    """The one service of a section that has no problem."""
    found = imported(listen(*lines))
    assert found.problems == ()
    (only,) = found.services
    return only


def problems(text: str) -> list[tuple[int, str, bool]]:
    return [(one.line, one.message, one.unsupported) for one in imported(text).problems]


def notes(text: str) -> dict[int, str]:
    return {note.line: note.message for note in imported(text).notes}


def servers(*endpoints: str) -> tuple[RealServer, ...]:
    return tuple(RealServer(Endpoint.parse(text)) for text in endpoints)


def test_an_old_file_is_read_into_services() -> None:
    found = imported(OLD)

    assert found.problems == ()
    assert found.services == (
        VirtualService(
            "http1",
            parse_listener("tcp/192.168.1.50:80"),
            Scheduler.WRR,
            servers=(
                RealServer(Endpoint.parse("192.168.2.55:80")),
                RealServer(Endpoint.parse("192.168.2.56:80"), 3),
            ),
            check=HealthCheck(CheckType.HTTP, "/health", "HEAD", "www"),
            proxy=ProxyOptions(ProxyProtocol.HTTP, 42, 43, 4),
        ),
    )


def test_each_obsolete_line_of_an_old_file_is_named() -> None:
    said = notes(OLD)

    assert said[3].startswith("not needed: lvsnat's HAProxy writes its log to the journal")
    assert said[4].startswith("obsolete: HAProxy counts the files")
    assert said[10] == "obsolete, and refused since HAProxy 2.1: read as 'timeout connect 4000'"
    assert said[11] == "obsolete, and refused since HAProxy 2.1: read as 'timeout client 42000'"
    assert said[12] == "obsolete, and refused since HAProxy 2.1: read as 'timeout server 43000'"
    assert said[17].startswith("'cookie http1_1' has no effect without a 'cookie' line")
    assert said[18].startswith("'cookie http1_2' has no effect without a 'cookie' line")


def test_servers_that_saw_haproxys_address_are_pointed_out() -> None:
    messages = [note.message for note in imported(OLD).notes if note.line == 14]

    assert "HAProxy of today takes no address here: read as a 'bind' line" in messages
    assert any("their replies must pass this director" in message for message in messages)


def test_a_frontend_has_the_servers_of_its_backend() -> None:
    found = imported(PAIR.format(front="maxconn 2000", back="balance leastconn"))

    (web,) = found.services
    assert found.problems == ()
    assert (web.name, str(web.listen), web.scheduler) == ("web", "tcp/192.168.1.50:80", "wlc")
    assert web.servers == servers("192.168.2.55:80", "192.168.2.56:80")
    assert web.proxy.maxconn == 2000


def test_the_nearest_defaults_above_are_inherited_and_the_sections_own_lines_win() -> None:
    text = (
        "defaults one\ntimeout client 10s\ndefaults\ntimeout client 20s\ntimeout server 7s\n"
        f"{listen('timeout server 8s')}\nlisten b from one\nbind 192.168.1.51:80\n"
    )

    first, second = imported(text).services
    assert (first.proxy.client_timeout, first.proxy.server_timeout) == (20, 8)
    assert (second.proxy.client_timeout, second.proxy.server_timeout) == (10, None)


@pytest.mark.parametrize(
    ("binds", "listeners"),
    [
        (["bind 192.168.1.50:80,192.168.1.50:81"], ["tcp/192.168.1.50:80-81"]),
        (["bind ipv4@192.168.1.50:8000-8010"], ["tcp/192.168.1.50:8000-8010"]),
        (["bind 192.168.1.50:80", "bind 192.168.1.50:443"], ["tcp/192.168.1.50:80,443"]),
        (
            ["bind 192.168.1.50:80 transparent", "bind 192.168.1.51:80"],
            ["tcp/192.168.1.50:80", "tcp/192.168.1.51:80"],
        ),
    ],
)
def test_one_address_is_one_service(binds: list[str], listeners: list[str]) -> None:
    found = imported(listen(*binds, "server a 192.168.2.55:8080"))

    assert [str(one.listen) for one in found.services] == listeners
    assert found.problems == ()


def test_services_of_several_addresses_have_several_names() -> None:
    text = "listen web\nbind 192.168.1.50:80\nbind 192.168.1.51:80\nlisten web:2\n"
    text += "bind 192.168.1.52:80\nlisten 10.0.0.1\nbind 192.168.1.53:80"

    names = [one.name for one in imported(text).services]
    assert names == ["web", "web-192.168.1.51", "web-2", "listen-10.0.0.1"]


@pytest.mark.parametrize("place", ["*:80", ":80", "0.0.0.0:80"])
def test_every_address_needs_one_that_stands_for_it(place: str) -> None:
    text = listen(f"bind {place}")

    ((line, message, unsupported),) = problems(text)
    assert (line, unsupported) == (3, False)
    assert message == f"'{place}' is every address of this host, and a service has one"
    (web,) = imported(text, "192.168.1.50").services
    assert str(web.listen) == "tcp/192.168.1.50:80"


def test_both_families_are_two_services() -> None:
    text = "listen web\nbind :::80 v4v6\nserver a 192.168.2.55:80"

    found = imported(text, "192.168.1.50", "2001:db8::50")

    assert [str(one.listen) for one in found.services] == ["tcp/192.168.1.50:80"]
    assert ["of different families" in one.message for one in found.problems] == [True]


@pytest.mark.parametrize(
    ("bind", "said"),
    [
        ("192.168.1.50:443 ssl crt /etc/x.pem", "'ssl': lvsnat ends no TLS"),
        ("192.168.1.50:80 accept-proxy", "'accept-proxy': in lvs-nat nobody reads"),
        ("/run/web.sock", "'/run/web.sock' is not TCP on an address"),
        ("192.168.1.50:80 wonder", "'wonder' behind an address is not taken"),
    ],
)
def test_an_address_that_lvsnat_does_not_serve_is_left_out(bind: str, said: str) -> None:
    ((line, message, unsupported),) = problems(listen(f"bind {bind}"))

    assert (line, unsupported) == (3, True)
    assert message.startswith(said)


@pytest.mark.parametrize(
    ("lines", "scheduler"),
    [
        ([], Scheduler.WRR),
        (["balance static-rr"], Scheduler.WRR),
        (["balance leastconn"], Scheduler.WLC),
        (["balance source"], Scheduler.SH),
        (["balance source", "hash-type consistent djb2"], Scheduler.MH),
        (["balance hash dst", "hash-type consistent"], Scheduler.DH),
        (["balance hash dst", "hash-balance-factor 150"], Scheduler.LBLC),
        (["balance first"], Scheduler.OVF),
        (["balance random(3)"], Scheduler.TWOS),
    ],
)
def test_the_way_to_balance_is_a_scheduler(lines: list[str], scheduler: Scheduler) -> None:
    assert service(*lines).scheduler is scheduler


def test_a_hash_of_the_port_is_a_flag() -> None:
    keeps = "tcp-request connection set-var(sess.sp) src_port"

    web = service(keeps, "balance hash src,concat(:,sess.sp)", "hash-type consistent")

    assert (web.scheduler, web.flags) == (Scheduler.MH, frozenset({SchedulerFlag.MH_PORT}))


def test_a_balance_by_content_is_refused() -> None:
    ((line, message, unsupported),) = problems(listen("balance url_param id"))

    assert (line, unsupported) == (4, True)
    assert message.startswith("'balance url_param id' places by a parameter of the URL")


def test_thresholds_backups_and_disabled_servers() -> None:
    web = service(
        "server a 192.168.2.55:80 weight 5 maxconn 100",
        "server b 192.168.2.56 disabled",
        "server last 192.168.2.99:80 backup",
    )

    assert web.servers == (
        RealServer(Endpoint.parse("192.168.2.55:80"), 5, 100),
        RealServer(Endpoint.parse("192.168.2.56:80"), 0),
    )
    assert web.sorry == Endpoint.parse("192.168.2.99:80")


def test_a_row_of_backups_is_failover() -> None:
    web = service(
        "server a 192.168.2.55:80",
        "server b 192.168.2.56:80 backup",
        "server c 192.168.2.57:80 backup",
    )

    assert web.scheduler is Scheduler.FO
    assert [server.weight for server in web.servers] == [3, 2, 1]
    assert web.sorry is None


def test_a_second_backup_of_several_servers_is_refused() -> None:
    text = listen(
        "server a 192.168.2.55:80",
        "server b 192.168.2.56:80",
        "server c 192.168.2.57:80 backup",
        "server d 192.168.2.58:80 backup",
    )

    assert problems(text) == [
        (7, "a second backup server is not taken: a service has one sorry server", True)
    ]


def test_a_server_without_a_port_keeps_that_of_the_client() -> None:
    web = service("bind 192.168.1.50:8000-8010", "server a 192.168.2.55", "server b 192.168.2.56:0")

    assert [server.endpoint.port for server in web.servers] == [0, 0]


@pytest.mark.parametrize(
    ("server", "said", "unsupported"),
    [
        ("a web1.example.com:80", "'web1.example.com' is not an IP address", False),
        ("a $HOST:80", "an environment variable is not read by an import", False),
        ('a "${HOST}:80"', "an environment variable is not read by an import", False),
        ("a 192.168.2.55:+8000", "the port +8000 of '192.168.2.55:+8000'", False),
        ("a 192.168.2.55:80 ssl", "'ssl': lvsnat opens no TLS to servers", True),
        ("a 192.168.2.55:80 send-proxy", "'send-proxy': in lvs-nat nobody writes", True),
        ("a 192.168.2.55:80 wonder", "'wonder' is not a word that lvsnat takes", True),
        ("a 192.168.2.55:80 weight", "'weight' needs a value, and the line ends", False),
        ("a 192.168.2.55:80 inter 1x", "'1x' is not a time", False),
        ("a", "this 'server' has no name or no address", False),
        ("a 192.168.2.55:80 source 10.0.0.1", "'source 10.0.0.1': the server would see", True),
    ],
)
def test_a_server_that_cannot_be_taken_is_named(server: str, said: str, unsupported: bool) -> None:  # noqa: FBT001
    ((line, message, refused),) = problems(listen(f"server {server}"))

    assert (line, refused) == (4, unsupported)
    assert message.startswith(said)


def test_default_server_gives_its_words_to_the_servers_below() -> None:
    web = service(
        "default-server check inter 3s fastinter 500ms rise 5 fall 6 port 8081 maxconn 7",
        "server a 192.168.2.55:80",
        "server b 192.168.2.56:80 maxconn 9",
    )

    assert web.check == HealthCheck(
        port=8081, interval=3.0, fast_interval=0.5, timeout=3.0, rise=5, fall=6
    )
    assert [server.upper for server in web.servers] == [7, 9]


@pytest.mark.parametrize(
    ("lines", "check"),
    [
        (["option tcp-check"], HealthCheck()),
        (["option httpchk"], HealthCheck(CheckType.HTTP, "/", "OPTIONS")),
        (["option httpchk /up"], HealthCheck(CheckType.HTTP, "/up", "OPTIONS")),
        (["option httpchk GET /up"], HealthCheck(CheckType.HTTP, "/up")),
        (
            [
                "option httpchk",
                "http-check send meth GET uri '/a b' ver HTTP/1.1 hdr Host www",
                "http-check expect status 200,301-302",
                "http-check expect string 'all well'",
            ],
            HealthCheck(
                CheckType.HTTP, "/a%20b", "GET", "www", ((200, 200), (301, 302)), "all well"
            ),
        ),
        (
            ["option httpchk GET /", "http-check expect rstatus ^2(0|1)[0-4]"],
            HealthCheck(CheckType.HTTP, expect=((200, 204), (210, 214))),
        ),
        (["option httpchk GET /", "no option httpchk"], HealthCheck()),
        (["timeout check 1s"], HealthCheck(timeout=1.0)),
    ],
)
def test_a_check_asks_what_the_section_says(lines: list[str], check: HealthCheck) -> None:
    text = [line.replace("/a b", "/a%20b") for line in lines]

    assert service(*text, "server a 192.168.2.55:80 check").check == check


def test_a_check_by_tls_is_one_by_https() -> None:
    web = service(
        "option httpchk GET /",
        "server a 192.168.2.55:443 check check-ssl verify none check-sni www.example.com",
    )

    assert web.check == HealthCheck(CheckType.HTTPS, host="www.example.com", verify=False)


def test_what_follows_from_a_failure_is_taken() -> None:
    web = service(
        "option httpchk GET /",
        "http-check expect rstring ok|up",
        "default-server slowstart 30s on-marked-down shutdown-sessions",
        "server a 192.168.2.55:443 check check-ssl verify none crt /etc/check.pem",
    )

    assert web.policy == HealthPolicy(OnFail.REMOVE, warmup=30.0)
    assert web.check == HealthCheck(
        CheckType.HTTPS, regex="ok|up", verify=False, certificate="/etc/check.pem"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("http-check expect rstring (?|a|b)", "'rstring (?|a|b)' is not read"),
        ("default-server crt check.pem", "'crt check.pem' is not the whole path of a file"),
        ("default-server agent-check", "'agent-check': the daemon asks agents"),
    ],
)
def test_what_a_check_cannot_take_over_is_told_with_its_line(line: str, message: str) -> None:
    text = PAIR.format(front="", back=f"option httpchk GET /\n    {line}")

    assert [message in said for _, said, _ in problems(text)] == [True]


def test_servers_without_check_have_none() -> None:
    assert service("option httpchk GET /").check is None


@pytest.mark.parametrize(
    "line",
    [
        "http-check disable-on-404",
        "http-check expect ! string error",
        "http-check expect rstatus ^[23]{1,9}.*x",
        "option mysql-check user haproxy",
        "tcp-check expect string +PONG",
    ],
)
def test_a_check_that_lvsnat_does_not_do_is_refused(line: str) -> None:
    ((number, _, unsupported),) = problems(listen(line))

    assert (number, unsupported) == (4, True)


@pytest.mark.parametrize(
    ("stick", "persistence"),
    [
        ("stick on src", Persistence(300)),
        ("stick on src,ipmask(24)", Persistence(300, 24)),
        ("stick on src,ipmask(32)", Persistence(300)),
        ("stick match src table web", Persistence(300)),
    ],
)
def test_a_table_of_sources_is_persistence(stick: str, persistence: Persistence) -> None:
    assert service("stick-table type ip size 200k expire 5m", stick).persistence == persistence


@pytest.mark.parametrize(
    ("lines", "unsupported"),
    [
        (["stick on src"], False),
        (["stick-table type ip size 1k", "stick on req.cook(id)"], True),
        (["stick-table type ip size 1k", "stick on src if { src 10.0.0.0/8 }"], True),
        (["stick-table type string len 32 size 1k"], True),
    ],
)
def test_a_table_of_anything_else_is_named(lines: list[str], unsupported: bool) -> None:  # noqa: FBT001
    ((_, _, refused),) = problems(listen(*lines))

    assert refused is unsupported


def test_a_cookie_of_http_is_taken_by_name() -> None:
    lines = ["mode http", "cookie SRV insert indirect nocache", "option forwardfor"]

    web = service(*lines, "server a 192.168.2.55:80 cookie x")

    assert web.proxy == ProxyOptions(ProxyProtocol.HTTP, forward_for=True, cookie="SRV")


def test_a_cookie_without_http_has_no_effect() -> None:
    text = listen("cookie SRV insert")

    assert imported(text).services[0].proxy.cookie is None
    assert notes(text)[4].startswith("has no effect: it needs 'mode http'")


def test_a_choice_by_source_of_a_backend_that_is_not_transparent_is_local_networks() -> None:
    front = "acl inside src 192.168.0.0/16 10.0.0.0/8\n use_backend near if inside"
    near = "backend near\nserver x 192.168.2.55:80\nserver y 192.168.2.56:80"

    found = imported(PAIR.format(front=front, back="") + near)

    assert found.problems == ()
    assert found.networks == (ip_network("192.168.0.0/16"), ip_network("10.0.0.0/8"))


def test_real_servers_themselves_are_no_local_networks() -> None:
    front = "use_backend near if { src 10.0.0.0/8 192.168.2.55 192.168.2.56 }"
    near = "backend near\nserver x 192.168.2.55:80\nserver y 192.168.2.56:80"

    assert imported(PAIR.format(front=front, back="") + near).networks == (
        ip_network("10.0.0.0/8"),
    )


@pytest.mark.parametrize(
    "front",
    [
        "use_backend near if { path_beg /x }",
        "use_backend near if { src -f /etc/nets }",
        "use_backend near unless { src 10.0.0.0/8 }",
        "use_backend far if { src 10.0.0.0/8 }",
        "use_backend near",
        "acl big path_beg /big",
        "http-request deny if { src 10.0.0.0/8 }",
    ],
)
def test_what_chooses_by_content_is_refused(front: str) -> None:
    rest = "backend near\nserver x 192.168.2.55:80\nserver y 192.168.2.56:80\n"
    rest += "backend far\nserver x 192.168.2.99:80"

    assert [
        (line, refused) for line, _, refused in problems(PAIR.format(front=front, back="") + rest)
    ] == [(4, True)]


def test_rules_are_named_with_the_key_that_could_have_them() -> None:
    found = imported(listen('http-request set-header X "a b"'))

    hint = found.problems[0].hint
    assert hint is not None
    assert 'frontend_lines = ["http-request set-header X \\"a b\\""]' in hint


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("bind 192.168.1.50:80", 1, "'bind' stands in no section that can be read"),
        ("frontend web\nbind 192.168.1.50:80\ndefault_backend x", 3, "there is no backend 'x'"),
        ("frontend web\nbind 192.168.1.50:80", 1, "this frontend has no 'default_backend'"),
        ("listen", 1, "this listen has no name"),
        ("listen web from x", 1, "there is no 'defaults x' above this line"),
        ("listen web\nbind 192.168.1.50:80\nacl x path 'a", 3, "a quote ' begins and does not"),
        ("listen web\nbind 192.168.1.50:80\n.if 1", 3, ".if is decided when HAProxy starts"),
        ("listen web\nbind 192.168.1.50:80\nblance first", 3, "'blance' is not a line"),
        ("listen web\nbind 192.168.1.50", 2, "'192.168.1.50' has no port"),
        ("listen web\nbind", 2, "this 'bind' names no address"),
        ("listen web\nbind 192.168.1.50:80\nmode health", 3, "the mode 'health' is no mode"),
        ("listen web\nbind 192.168.1.50:80\ntimeout x 3", 3, "'timeout x 3' is not a timeout"),
        ("listen web\nbind 192.168.1.50:80\nreqadd X:\\ y", 3, "'reqadd' is obsolete"),
        ("listen web\nbind 224.0.0.1:80", 2, "224.0.0.1 is"),
    ],
)
def test_a_line_that_cannot_be_taken_is_named_with_its_number(
    text: str, line: int, said: str
) -> None:
    ((number, message, _),) = problems(text)

    assert number == line
    assert message.startswith(said)


def test_other_sections_and_pages_of_statistics_are_left_out() -> None:
    text = "peers p\npeer a 10.0.0.1:1024\nlisten stats\nbind *:8080\nstats enable\n" + listen()

    found = imported(text)

    assert found.problems == ()
    assert [one.name for one in found.services] == ["web"]
    assert notes(text)[1].startswith("this section is not taken")
    assert notes(text)[3].startswith("a page of statistics and no service")


def test_a_section_that_is_switched_off_is_left_out() -> None:
    assert imported(listen("disabled")).services == ()


def test_quotes_escapes_and_comments_are_haproxys() -> None:
    web = service(
        "option httpchk GET /a\\#b # a comment",
        "http-check expect string 'it''s \"fine\"'",
        'server "a" 192.168.2.55:80 check#nothing',
    )

    assert web.check is not None
    assert (web.check.path, web.check.body) == ("/a#b", 'its "fine"')


def test_a_timeout_of_part_of_a_second_is_rounded_up_and_none_stays_none() -> None:
    web = service("timeout client 1500", "timeout server 0", "timeout connect 100ms")

    assert (web.proxy.client_timeout, web.proxy.server_timeout) == (2, None)
    assert web.proxy.connect_timeout == 1


def test_conditions_of_the_process_concern_no_service() -> None:
    text = "global\n.if feature(LINUX_CAP)\nsetcap cap_net_raw\n.endif\n" + listen()

    assert imported(text).problems == ()
    assert notes(text)[2] == "not taken: it is of the process, not of a service"
