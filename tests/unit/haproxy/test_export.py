from __future__ import annotations

import pytest

from lvsnat.config.parse import parse_config
from lvsnat.errors import UsageError
from lvsnat.haproxy.export import export_text

WEB = """\
[[service]]
name = "web"
listen = "tcp/192.168.1.50:80"
scheduler = "wrr"
persistence = 300
servers = [{ address = "192.168.2.55:80", weight = 300 }]
"""


def exported(text: str) -> str:
    return export_text(parse_config(text, "x"))


def test_it_is_what_haproxy_tproxy_uses_whatever_the_mode_is() -> None:
    text = exported(f'mode = "lvs-nat"\n{WEB}')

    assert "\n    bind 192.168.1.50:80\n" in text
    assert "\n    source 0.0.0.0 usesrc clientip\n" in text
    assert exported(f'mode = "haproxy-tproxy"\n{WEB}') == text


def test_what_lvsnat_keeps_for_itself_is_left_out() -> None:
    text = exported(WEB)

    assert "description lvsnat" not in text
    assert "# service" not in text
    assert "# of" not in text
    assert "server-state" not in text


def test_it_may_be_started_by_root_of_any_version() -> None:
    head = exported(WEB).partition("\ndefaults")[0]

    assert "setcap cap_net_raw\n    .else\n    user root\n" in head
    assert "stats socket /run/haproxy/" in head


def test_the_table_of_clients_is_handed_over_by_the_user_that_haproxy_becomes() -> None:
    assert "peers.sock mode 600 user haproxy group haproxy\n" in exported(WEB)


def test_without_a_tcp_service_there_is_nothing_to_write() -> None:
    with pytest.raises(UsageError, match="no TCP service"):
        exported('[[service]]\nname = "dns"\nlisten = "udp/192.168.1.50:53"\n')


def test_what_haproxy_cannot_serve_is_refused() -> None:
    with pytest.raises(UsageError, match="65535 ports"):
        exported(WEB.replace(":80", ":0", 1).replace("55:80", "55:0"))
