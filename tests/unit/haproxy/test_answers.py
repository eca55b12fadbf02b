"""What HAProxy answers on its sockets: as 2.6 and later write it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsnat.errors import LvsnatError
from lvsnat.haproxy import answers
from lvsnat.haproxy.answers import Processes, ServerState, Session, Worker

PROCESSES = """\
#<PID>          <type>          <reloads>       <uptime>        <version>
17287           master          2 [failed: 1]   0d00h00m08s     2.6.12-1+deb12u4
# workers
17835           worker          0               0d00h00m01s     2.6.12-1+deb12u4
# old workers
17528           worker          1               0d00h00m05s     2.6.12-1+deb12u4
17289           worker          2               0d00h00m09s     2.6.12-1+deb12u4
# programs


"""
INFO = """\
Name: HAProxy
Version: 2.6.12-1+deb12u4
Pid: 17289
CurrConns: 7
node: vm
description: lvsnat 24991aa071ae0996
Stopping: 1
Build info: 2.6.12: a, b

"""
STATES = """\
1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight
3 web:tproxy 1 10.0.0.1:80 10.0.0.1 2 0 3 10
3 web:tproxy 2 10.0.0.2:80 10.0.0.2 2 8 10 10
4 web:local 1 10.0.0.1:80 10.0.0.1 2 1 3 10

"""
SESSIONS = """\
0x5636a6fc7380: proto=tcpv4 src=127.0.0.1:51510 fe=web be=web:tproxy srv=10.0.0.1:80 ts=00 epoch=0\
 age=1m2s calls=2 rate=2 cpu=0 lat=0 rq[f=808000h,i=0,an=00h,rx=41s,wx=,ax=]\
 rp[f=80008000h,i=0,an=00h,rx=42s,wx=,ax=] scf=[8,0h,fd=13] scb=[8,1h,fd=14] exp=3s rc=0 c_exp=
0x5636a6fc7381: proto=tcpv6 src=2001:db8::9:4444 fe=web be=<NONE> srv=<none> ts=00 age=0s calls=2\
 s0=[8,0h,fd=13] s1=[0,1h,fd=14] exp= rc=0 c_exp=
0x5636a70f6980: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> age=0s scf=[8] exp=29s

"""


def test_the_processes_are_told_apart() -> None:
    assert answers.processes(PROCESSES) == Processes(17287, 2, 1, (17835,), (17528, 17289))


def test_a_master_that_counts_no_failures_has_none() -> None:
    assert answers.processes("5  master  3  0d00h00m08s  2.4\n") == Processes(5, 3, 0, (), ())


def test_a_worker_says_what_it_read_and_whether_it_ends() -> None:
    assert answers.worker(INFO) == Worker(17289, "lvsnat 24991aa071ae0996", True, 7)  # noqa: FBT003


def test_the_states_of_servers_know_who_was_taken_out_by_hand() -> None:
    assert answers.servers(STATES) == [
        ServerState("web:tproxy", "10.0.0.1:80", 1, 3, forced=False),
        ServerState("web:tproxy", "10.0.0.2:80", 2, 10, forced=True),
        ServerState("web:local", "10.0.0.1:80", 1, 3, forced=True),
    ]


def test_sessions_of_clients_are_read_and_those_of_its_own_sockets_are_not() -> None:
    assert list(answers.sessions(SESSIONS)) == [
        Session("127.0.0.1:51510", "web", "web:tproxy", "10.0.0.1:80", 8, 62, 3),
        Session("2001:db8::9:4444", "web", None, None, 0, 0, 0),
    ]


def test_the_table_is_read_by_the_names_of_its_columns() -> None:
    text = '# pxname,svname,scur,last_chk,\nweb,FRONTEND,4,"said ""no"", twice",\n\n'

    [row] = answers.table(text)

    assert row["last_chk"] == 'said "no", twice'
    assert [answers.number(row, one) for one in ("scur", "last_chk", "unknown")] == [4, 0, 0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3s", 3), ("1m2s", 62), ("2h5m", 7500), ("1d3h", 97200), ("250ms", 0), ("", 0), ("?", 0)],
)
def test_times_are_read_in_seconds(text: str, seconds: int) -> None:
    assert answers.seconds(text) == seconds


READERS: list[tuple[Callable[[str], object], str]] = [
    (answers.processes, PROCESSES),
    (answers.worker, INFO),
    (answers.servers, STATES),
    (answers.table, "# pxname,svname,scur\nweb,FRONTEND,4\n"),
    (lambda text: list(answers.sessions(text)), SESSIONS),
]


@given(st.text(), st.integers(0, 400), st.integers(0, 400), st.sampled_from(READERS))
def test_an_answer_that_is_garbled_is_an_error_for_people(
    noise: str, start: int, length: int, reader: tuple[Callable[[str], object], str]
) -> None:
    read, sample = reader

    for text in (noise, sample[:start] + noise + sample[start + length :]):
        with suppress(LvsnatError):
            assert read(text) is not None


@pytest.mark.parametrize("read", [reader for reader, _ in READERS[:4]])
def test_what_answers_in_another_way_is_not_taken_for_an_answer(
    read: Callable[[str], object],
) -> None:
    with pytest.raises(LvsnatError, match="cannot be read: 'Unknown command'"):
        read("Unknown command\n")
