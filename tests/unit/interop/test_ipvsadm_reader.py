"""The text of ``ipvsadm -S`` in, virtual services or every problem out."""

from __future__ import annotations

import pytest

from lvsnat.errors import ExitCode, LvsnatError, RefusedError
from lvsnat.interop.imported import Imported, settle
from lvsnat.interop.ipvsadm.reader import read
from lvsnat.model.config import Timeouts
from lvsnat.model.endpoint import Endpoint, parse_listener
from lvsnat.model.service import (
    Persistence,
    PersistenceEngine,
    RealServer,
    Scheduler,
    SchedulerFlag,
    VirtualService,
)

PORTS = {("http", "tcp"): 80, ("domain", "udp"): 53, ("sip", "udp"): 5060}


def imported(*lines: str) -> Imported:
    return read("\n".join(lines), lambda name, protocol: PORTS.get((name, protocol)))


def services(*lines: str) -> tuple[VirtualService, ...]:
    """The services of lines without a problem."""
    found = imported(*lines)
    assert found.problems == ()
    return found.services


def messages(*lines: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.message) for problem in imported(*lines).problems]


def server(text: str, weight: int = 1, upper: int = 0, lower: int = 0) -> RealServer:
    return RealServer(Endpoint.parse(text), weight, upper, lower)


def test_a_service_has_the_servers_that_follow_it() -> None:
    (web,) = services(
        "-A -t 192.168.1.50:80 -s wrr",
        "-a -t 192.168.1.50:80 -r 192.168.2.55:8080 -m -w 3",
        "-a -t 192.168.1.50:80 -r 192.168.2.56:8080 -m -w 1",
    )

    assert web == VirtualService(
        "tcp-192.168.1.50-80",
        parse_listener("tcp/192.168.1.50:80"),
        Scheduler.WRR,
        servers=(server("192.168.2.55:8080", 3), server("192.168.2.56:8080")),
    )


@pytest.mark.parametrize(
    ("line", "name", "listen"),
    [
        ("-A -t 10.7.2.3:443", "tcp-10.7.2.3-443", "tcp/10.7.2.3:443"),
        ("-A -u 10.7.2.3:53", "udp-10.7.2.3-53", "udp/10.7.2.3:53"),
        ("-A --sctp-service 10.7.4.1:3868", "sctp-10.7.4.1-3868", "sctp/10.7.4.1:3868"),
        ("-A -t [2001:db8:7::2]:80", "tcp-2001-db8-7--2-80", "tcp/[2001:db8:7::2]:80"),
        ("-A -f 7", "fwmark-7", "fwmark/7"),
        ("-A -f 2 -6", "fwmark-2-ipv6", "fwmark/2/ipv6"),
        ("-A -f 4294967295", "fwmark-4294967295", "fwmark/4294967295"),
        ("-A -f -1", "fwmark-4294967295", "fwmark/4294967295"),
        ("-A -f -2147483648 -6", "fwmark-2147483648-ipv6", "fwmark/2147483648/ipv6"),
        ("-A -t 10.7.2.3 -p", "tcp-10.7.2.3-0", "tcp/10.7.2.3:0"),
        ("-A -t 10.7.2.3:http", "tcp-10.7.2.3-80", "tcp/10.7.2.3:80"),
        ("-A -u [2001:db8::1]:domain", "udp-2001-db8--1-53", "udp/[2001:db8::1]:53"),
    ],
)
def test_a_service_is_named_after_its_listener(line: str, name: str, listen: str) -> None:
    (service,) = services(line)

    assert (service.name, service.listen) == (name, parse_listener(listen))
    assert service.scheduler is Scheduler.WLC


@pytest.mark.parametrize(
    "line",
    [
        "--add-service --tcp-service 10.0.0.1:80 --scheduler rr --persistent 300",
        "--add-service --tcp-service=10.0.0.1:80 --scheduler=rr --persistent=300",
        "ipvsadm -A -t 10.0.0.1:80 -s rr -p 300",
        "/sbin/ipvsadm -At 10.0.0.1:80 -srr -p300",
        "  -p=300 -s=rr -A -t '10.0.0.1:80'  # the old site",
        '-A -t "10.0.0.1:080" -s rr -p 0300 -M 255.255.255.255',
    ],
)
def test_every_spelling_says_the_same(line: str) -> None:
    (service,) = services("", "# a comment", line)

    assert service.listen == parse_listener("tcp/10.0.0.1:80")
    assert service.scheduler is Scheduler.RR
    assert service.persistence == Persistence(300)


@pytest.mark.parametrize(
    ("options", "persistence"),
    [
        ("-p", Persistence(360)),
        ("-p -s rr", Persistence(360)),
        ("-p 3600 -M 255.255.255.0", Persistence(3600, 24)),
        ("-M 255.0.0.0 -p", Persistence(360, 8)),
        ("-p 60 --pe sip", Persistence(60, engine=PersistenceEngine.SIP)),
        ("-M 255.255.255.0", None),
    ],
)
def test_persistence_is_read(options: str, persistence: Persistence | None) -> None:
    (service,) = services(f"-A -u 10.0.0.1:5060 {options}")

    assert service.persistence == persistence


def test_an_ipv6_netmask_is_a_prefix() -> None:
    (one, other) = services("-A -f 2 -M 64 -p 120 -6", "-A -t [2001:db8::1]:80 -p -M 128")

    assert one.persistence == Persistence(120, 64)
    assert other.persistence == Persistence(360)


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        ("-s sh -b sh-fallback,sh-port", {SchedulerFlag.SH_FALLBACK, SchedulerFlag.SH_PORT}),
        ("-s sh -b flag-2", {SchedulerFlag.SH_PORT}),
        ("-s mh --sched-flags flag-1,mh-fallback", {SchedulerFlag.MH_FALLBACK}),
    ],
)
def test_flags_have_names_and_numbers(options: str, flags: set[SchedulerFlag]) -> None:
    (service,) = services(f"-A -t 10.0.0.1:80 {options}")

    assert service.flags == flags


@pytest.mark.parametrize(
    ("listen", "real", "endpoint"),
    [
        ("-t 10.0.0.1:80", "10.1.0.1", "10.1.0.1:80"),
        ("-t 10.0.0.1:80", "10.1.0.1:http", "10.1.0.1:80"),
        ("-t [2001:db8::1]:80", "2001:db8::2", "[2001:db8::2]:80"),
        ("-f 7", "10.1.0.1", "10.1.0.1:0"),
        ("-f 7", "10.1.0.1:sip", "10.1.0.1:5060"),
        ("-f 7 -6", "[2001:db8::2]", "[2001:db8::2]:0"),
    ],
)
def test_a_server_without_a_port_has_that_of_its_service(
    listen: str, real: str, endpoint: str
) -> None:
    (service,) = services(f"-A {listen}", f"-a {listen} -r {real} -m")

    assert service.servers == (server(endpoint),)


def test_thresholds_and_timeouts_are_read() -> None:
    found = imported(
        "-A -t 10.0.0.1:80",
        "-a -t 10.0.0.1:80 -r 10.1.0.1 -m -x 1000 -y 800",
        "--set 1800 0 60",
    )

    assert found.services[0].servers == (server("10.1.0.1:80", 1, 1000, 800),)
    assert found.timeouts == Timeouts(tcp=1800, udp=60)
    assert found.thresholds


def test_rules_without_thresholds_say_nothing_of_them() -> None:
    assert not imported("-A -t 10.0.0.1:80", "-a -t 10.0.0.1:80 -r 10.1.0.1 -m").thresholds


WEB = "-A -t 10.0.0.1:80 -s rr"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-A -t 10.0.0.2:80 -s rrr", "'rrr' is not a scheduler that lvsnat knows"),
        ("-A -t localhost:80", "'localhost' is not an IP address"),
        ("-A -t 10.0.0.2:htpt", "'htpt' is not a port, and /etc/services has no service of"),
        ("-A -t 10.0.0.2:99999", "'99999' is not a port"),
        ("-A -t [::4:80", "'[::4:80' is not an address and a port"),
        ("-A -t 10.0.0.2:80 -6", "-6 goes with -f alone"),
        ("-A -f 0", "'0' is not a firewall mark"),
        ("-A -f -2147483649", "'-2147483649' is not a firewall mark"),
        ("-A -f 4294967296", "'4294967296' is not a firewall mark"),
        ("-A -f 0x10", "'0x10' is not a firewall mark"),
        ("-A -s rr", "the line names no service"),
        ("-A -t 10.0.0.2:80 -f 3", "the line names several services"),
        ("-A -t 10.0.0.2:80 -p 1d", "'1d' is not a timeout"),
        ("-A -t 10.0.0.2:80 -p -M 24", "'24' is not an IPv4 netmask"),
        ("-A -t 10.0.0.2:80 --pe sip", "--pe needs persistence"),
        ("-A -t 10.0.0.2:80 -s sh -b sh-prot", "'sh-prot' is not a flag that lvsnat knows"),
        ("-A -t 10.0.0.2:80 -s", "-s needs a value"),
        ("-A -t 10.0.0.2:80 -o=1", "ipvsadm has no option -= for a line of rules"),
        ("-A -t 10.0.0.2:80 --ops=1", "-o takes no value"),
        ("-A -t 10.0.0.2:80 -s rr -s wrr", "-s is given twice"),
        ("-A -t 10.0.0.2:80 -w 3", "-w is not an option of -A"),
        ("-A -t 10.0.0.2:80 --persis 3", "ipvsadm has no option --persis for a line of rules"),
        ("-A -t 10.0.0.2:80 extra", "unexpected word 'extra'"),
        ("-A -t '10.0.0.2:80", "not a command line: No closing quotation"),
        ("-t 10.0.0.2:80", "no command on this line"),
        ("-A -a -t 10.0.0.2:80", "2 commands on this line"),
        ("--set 900 120", "--set takes three timeouts"),
        ("--set 900 120 9999999999", "9999999999 is not a timeout"),
        ("-E -t 10.0.0.1:80 -s wrr", "-E changes a service; rules to import only add"),
        ("-e -t 10.0.0.1:80 -r 10.1.0.1", "-e changes a real server; rules to import only add"),
        ("-D -t 10.0.0.1:80", "-D removes a service; rules to import only add"),
        ("-d -t 10.0.0.1:80 -r 10.1.0.1", "-d removes a real server; rules to import only"),
        ("-R", "-R reads rules from elsewhere; rules to import only add"),
        (WEB, "tcp/10.0.0.1:80 was added on line 1"),
        ("-a -t 10.0.0.9:80 -r 10.1.0.1 -m", "tcp/10.0.0.9:80 was not added above this line"),
        ("-a -t 10.0.0.1:80 -m", "the line names no real server"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 -m -g", "several forwarding methods"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 -m -w x", "'x' is not a weight"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 -m -w 65536", "65536 is not a weight (0 to 65535)"),
        ("-a -t 10.0.0.1:80 -r 10.1.0.1 -m -y 5", "the lower threshold 5 needs an upper one"),
        ("-A -t 0.0.0.0:80", "0.0.0.0 stands for every address, and IPVS has no wildcard"),
        ("-A -t 10.0.0.2:0", "port 0 (every port) needs persistence"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(line: str, message: str) -> None:
    found = imported(WEB, line, "-A -t 10.0.0.3:80").problems

    assert [problem.line for problem in found] == [2]
    assert found[0].message.startswith(message)
    assert not found[0].unsupported


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-A -u 10.0.0.2:53 -o", "one-packet scheduling (-o) does not work with masquerading"),
        ("-A -t 10.0.0.2:80 -s rr -b flag-1", "flag-1 means nothing to the scheduler rr"),
        ("-A -t 10.0.0.2:80 -s sh -b flag-3", "flag-3 means nothing to the scheduler sh"),
        ("-A -t 10.0.0.2:80 -p -M 255.0.255.0", "the netmask 255.0.255.0 has holes"),
        ("-C", "-C clears the table, and an import clears nothing"),
        ("--start-daemon master", "connection synchronisation is not part of the"),
    ],
)
def test_a_line_that_lvsnat_does_not_do_is_named(line: str, message: str) -> None:
    found = imported(WEB, line, "-A -t 10.0.0.3:80")

    assert [problem.line for problem in found.problems] == [2]
    assert found.problems[0].message.startswith(message)
    assert found.problems[0].unsupported
    assert [service.name for service in found.services] == ["tcp-10.0.0.1-80", "tcp-10.0.0.3-80"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("-g", "direct routing (-g) is not done by lvsnat"),
        ("", "direct routing (-g), which ipvsadm takes where no method is given, is not done"),
        ("-i", "tunnelling (-i) is not done by lvsnat"),
        ("-i --tun-type gue --tun-port 6080 --tun-nocsum", "tunnelling (-i) is not done by lvsnat"),
    ],
)
def test_another_forwarding_method_is_named_and_the_rest_taken(options: str, message: str) -> None:
    found = imported(
        WEB, f"-a -t 10.0.0.1:80 -r 10.1.0.1 {options}", "-a -t 10.0.0.1:80 -r 10.1.0.2 -m"
    )

    assert found.problems[0].message.startswith(message)
    assert found.services[0].servers == (server("10.1.0.2:80"),)


def test_a_service_that_loses_all_servers_is_left_out_with_them() -> None:
    found = imported(WEB, "-a -t 10.0.0.1:80 -r 10.1.0.1 -g", "-A -t 10.0.0.2:80")

    assert [(problem.line, problem.unsupported) for problem in found.problems] == [
        (1, True),
        (2, True),
    ]
    assert [service.name for service in found.services] == ["tcp-10.0.0.2-80"]


def test_the_servers_of_a_service_that_lvsnat_does_not_do_are_named_too() -> None:
    assert messages("-A -u 10.0.0.1:53 -o", "-a -u 10.0.0.1:53 -r 10.1.0.1 -m")[1] == (
        2,
        "its service, on line 1, is one that lvsnat does not do",
    )


def test_every_problem_is_found_at_once() -> None:
    found = messages(
        "-A -t 10.0.0.1:80 -s nonsense",
        "-a -t 10.0.0.1:80 -r 10.1.0.1 -m",
        "-A -t 10.0.0.2:80",
        "-a -t 10.0.0.2:80 -r 10.1.0.1 -m -w 70000",
        "-a -t 10.0.0.2:80 -r 10.1.0.2 -g",
        "bad",
    )

    assert [line for line, _ in found] == [1, 4, 5, 6]


def test_lines_that_make_no_sense_end_the_import_with_all_of_them_listed() -> None:
    found = imported(WEB, "-A -t 10.0.0.2:80 -s rrr", "-C")

    with pytest.raises(LvsnatError) as caught:
        settle(found, "rules", skip=True)

    assert caught.value.code is ExitCode.USAGE
    assert caught.value.message.splitlines()[:3] == [
        "rules cannot be imported:",
        "  rules:2: 'rrr' is not a scheduler that lvsnat knows",
        "    -A -t 10.0.0.2:80 -s rrr",
    ]
    assert "rules:3: -C clears" in caught.value.message


def test_what_lvsnat_does_not_do_is_skipped_on_demand_alone() -> None:
    found = imported(WEB, "-C")

    with pytest.raises(RefusedError, match=r"rules:2: -C clears") as caught:
        settle(found, "rules", skip=False)

    assert caught.value.hint == "--skip-unsupported takes the rest; nothing was changed"
    assert settle(found, "rules", skip=True) == (
        "rules:2: -C clears the table, and an import clears nothing",
    )
