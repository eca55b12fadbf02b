from __future__ import annotations

from dataclasses import replace

from lvsnat.haproxy import checks
from lvsnat.model.endpoint import Endpoint, parse_address, parse_listener
from lvsnat.model.health import CheckType, HealthCheck
from lvsnat.model.policy import HealthPolicy, OnFail
from lvsnat.model.proxied import daemon_checks, haproxy_check
from lvsnat.model.service import RealServer, VirtualService

HTTP = HealthCheck(CheckType.HTTP, "/health")


def service(check: HealthCheck | None, listen: str = "tcp/192.168.1.50:80") -> VirtualService:
    return VirtualService("web", parse_listener(listen), check=check)


def test_without_a_check_nothing_is_asked() -> None:
    server = RealServer(Endpoint.parse("192.168.2.55:80"))

    assert checks.backend_lines(service(None)) == ()
    assert checks.server_words(service(None), server) == ()


def test_a_connection_is_enough_for_tcp() -> None:
    assert checks.backend_lines(service(HealthCheck())) == (
        "timeout check 2s",
        "default-server inter 2s fastinter 1s rise 2 fall 3",
    )


def test_a_page_is_asked_for_as_a_client_would_who_knows_the_vip_alone() -> None:
    assert checks.backend_lines(service(HTTP, "tcp/[fd00::1]:80"))[1:4] == (
        "option httpchk",
        "http-check send meth GET uri /health ver HTTP/1.1 hdr Host [fd00::1]",
        "http-check expect status 200-399",
    )


def test_what_the_answer_must_hold_is_asked_beside_its_status() -> None:
    check = replace(HTTP, expect=((200, 200), (301, 302)), body="it's 100 % up")

    lines = checks.backend_lines(service(check))

    assert "http-check expect status 200,301-302" in lines
    assert "http-check expect string 'it'\\''s 100 % up'" in lines


def test_tls_asks_for_the_name_and_verifies_it() -> None:
    check = HealthCheck(CheckType.HTTPS, host="www.example.com", port=8443)

    assert checks.backend_lines(service(check))[-1].endswith(
        "rise 2 fall 3 port 8443 check-ssl verify required ca-file @system-ca"
        " check-sni www.example.com verifyhost www.example.com"
    )


def test_a_certificate_that_nobody_trusts_may_be_taken() -> None:
    check = HealthCheck(CheckType.HTTPS, verify=False)

    assert checks.backend_lines(service(check))[-1].endswith("check-ssl verify none")


def test_a_server_that_keeps_the_clients_port_is_asked_on_the_first_one() -> None:
    ranged = service(HealthCheck(), "tcp/192.168.1.50:8000-8009,9000")
    keeps = RealServer(Endpoint.parse("192.168.2.55:0"))
    has_one = RealServer(Endpoint.parse("192.168.2.55:80"))

    assert checks.server_words(ranged, keeps) == ("check", "port", "8000")
    assert checks.server_words(ranged, has_one) == ("check",)


def test_times_are_told_in_milliseconds_where_they_are_not_whole() -> None:
    check = HealthCheck(interval=0.5, fast_interval=0.25, timeout=1.5)

    assert checks.backend_lines(service(check)) == (
        "timeout check 1500ms",
        "default-server inter 500ms fastinter 250ms rise 2 fall 3",
    )


def test_a_pattern_and_a_certificate_are_haproxys_too() -> None:
    check = HealthCheck(CheckType.HTTPS, regex="ok up", certificate="/etc/a b.pem", verify=False)

    lines = checks.backend_lines(service(check))

    assert "http-check expect rstring 'ok up'" in lines
    assert lines[-1].endswith("check-ssl verify none crt '/etc/a b.pem'")


def test_haproxy_makes_the_first_check_that_it_can() -> None:
    ping = HealthCheck(CheckType.PING)
    from_here = HealthCheck(source=parse_address("192.168.2.1"))
    agent = HealthCheck(CheckType.AGENT, port=8080)
    wanted = service(None).asked([ping, from_here, agent, HTTP, HealthCheck(port=81)])

    assert haproxy_check(wanted) == HTTP
    assert daemon_checks(wanted, proxied=True) == (ping, from_here, agent, HealthCheck(port=81))
    assert daemon_checks(wanted, proxied=False) == wanted.checks
    assert checks.backend_lines(wanted) == checks.backend_lines(service(HTTP))
    assert checks.backend_lines(service(ping)) == ()


def test_what_follows_from_a_failure_holds_in_both_backends() -> None:
    policy = HealthPolicy(OnFail.REMOVE, warmup=30)
    wanted = replace(service(HealthCheck()), policy=policy)

    assert checks.backend_lines(wanted)[-1].endswith(
        " fall 3 on-marked-down shutdown-sessions slowstart 30s"
    )
    assert checks.tracking_lines(wanted) == (
        "default-server on-marked-down shutdown-sessions slowstart 30s",
    )
    assert checks.tracking_lines(service(HealthCheck())) == ()
    assert checks.tracking_lines(replace(service(None), policy=policy)) == ()
