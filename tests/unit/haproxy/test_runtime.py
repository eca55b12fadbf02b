"""HAProxy's sockets: an answer, a refusal, nobody there, and one that says nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lvsnat.errors import LvsnatError
from lvsnat.haproxy.runtime import HangsError, NobodyListensError, RuntimeSocket


@contextmanager
def listening(path: Path, answers: list[bytes]) -> Iterator[list[str]]:
    """A socket that gives one answer after the other, then listens on in silence."""
    asked: list[str] = []

    def serve(server: socket.socket) -> None:
        for answer in answers:
            channel, _ = server.accept()
            with channel:
                asked.append(channel.makefile("rb").read().decode())
                channel.sendall(answer)

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        server.settimeout(60)
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        yield asked
        thread.join()


def test_a_command_is_a_line_and_the_answer_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with listening(path, [b"x" * 200_000 + b"\xff"]) as asked:
        answer = RuntimeSocket(path).ask("show info")

    assert answer == "x" * 200_000 + "\ufffd"
    assert asked == ["show info\n"]


def test_nobody_there_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with pytest.raises(NobodyListensError, match="no HAProxy listens on"):
        RuntimeSocket(path).ask("show info")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(NobodyListensError):
        RuntimeSocket(path).ask("show info")


def test_one_that_says_nothing_is_an_error_with_a_cure(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with listening(path, []), pytest.raises(HangsError, match=r"within 0\.01 s") as caught:
        RuntimeSocket(path, silence=0.01).ask("show info")

    assert "kill -9" in (caught.value.hint or "")


def test_what_is_no_socket_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / ("long" * 40)

    with pytest.raises(LvsnatError, match="cannot talk to HAProxy"):
        RuntimeSocket(path).ask("show info")


def test_many_commands_go_in_lines_that_haproxy_reads(tmp_path: Path) -> None:
    path = tmp_path / "s"
    commands = [f"set weight web:tproxy/10.0.0.{number}:80 1" for number in range(300)]
    with listening(path, [b"\n\n"] * 3) as asked:
        RuntimeSocket(path).tell(commands)

    assert max(map(len, asked)) < 4100
    assert ";".join(line.strip() for line in asked).split(";") == commands


def test_a_refusal_is_an_error_in_haproxys_words(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with (
        listening(path, [b"\nNo such backend.\n\n"]),
        pytest.raises(LvsnatError, match="HAProxy: No such backend"),
    ):
        RuntimeSocket(path).tell(["set weight a/b 1"])
