"""No secret survives, whatever stands around it; and what is none stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lvsnat.doctor.redact import ACCOUNT, REMOVED, Redactor

PLAIN = Redactor()
secrets = st.from_regex(r"[A-Za-z0-9_/+.=-]{12,40}", fullmatch=True).filter(
    lambda text: not text.isdecimal()
)
accounts = st.from_regex(r"[1-9][0-9]{11}", fullmatch=True)
around = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)

FORMS = (
    'password = "{}"',
    "password={}",
    "passwd {}",
    'auth_pass "{}"',
    "API-Key: {}",
    '"token": "{}"',
    "'client_secret': '{}'",
    '["/usr/bin/check", "--password", "{}"]',
    "--token={}",
    "GET /health?token={} HTTP/1.1",
    'secret = """\n{}\n"""',
    "token = '''\n{}\n'''",
    'password = """\n{}',
    'password = "{}',
    'msg="\\"secret\\": \\"of {}\\""',
    "http-request set-header X-Api-Key my\\ {}",
    'http-request set-header Authorization "Basic {}"',
    "http-check send hdr Authorization Basic\\ {}",
    'headers = {{ Authorization = "Bearer {}" }}',
    "Authorization: Digest username={}",
    "Cookie: session={}; other={}",
    "Set-Cookie: {}",
    "sent Bearer {} to it",
    "stats auth admin:{}",
    "userlist ops\n  user admin password {}\n  user other insecure-password {}\n",
    "https://somebody:{}@example.com/path",
    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n",
    'profile = "{}"',
    'command = ["/usr/bin/check", "{}"]',
    'command = [\n  "/usr/bin/check",\n  "-p",\n  "{}",\n]',
    'check = {{ type = "agent", send = "{}" }}',
)


@settings(max_examples=400)
@given(st.sampled_from(FORMS), secrets, around, around)
def test_a_secret_does_not_survive(form: str, secret: str, before: str, after: str) -> None:
    assume(secret not in before + after)

    text = PLAIN.text(f"{before}\n{form.replace('{}', secret).format()}\n{after}")

    assert secret not in text


@given(accounts)
def test_an_account_does_not_survive(account: str) -> None:
    words = (
        f"arn:aws:iam::{account}:role/director",
        f'"owner": "{account}"',
        f"belongs to the account {account}, not to {account}",
    )

    assert all(account not in PLAIN.text(one) and ACCOUNT in PLAIN.text(one) for one in words)


@given(st.from_regex(r"(AKIA|ASIA|AROA)[A-Z0-9]{12,16}", fullmatch=True))
def test_a_key_of_aws_does_not_survive(key: str) -> None:
    assert PLAIN.text(f"with {key}, and") == f"with {REMOVED}, and"


@given(secrets, around)
def test_what_is_known_is_taken_out_anywhere(secret: str, text: str) -> None:
    redactor = Redactor.of({"AWS_SESSION_TOKEN": secret, "HOME": "/root"})

    assert secret not in redactor.text(f"{text}{secret}{text}")
    assert "/root" in redactor.text("/root")


@given(st.sampled_from(FORMS), secrets, around)
def test_a_second_time_changes_nothing(form: str, secret: str, text: str) -> None:
    once = PLAIN.text(form.replace("{}", secret).format() + "\n" + text)

    assert PLAIN.text(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "    inet 10.0.1.10/24 brd 10.0.1.255 scope global eth0",
        "default via 10.0.1.1 dev eth0 proto dhcp src 10.0.1.10 metric 512",
        "counter packets 123456789012 bytes 999999999999 accept",
        "TCP  0A000164:0050 rr\n  -> 0A000237:1F90      Masq    1      0          0",
        'listen = "tcp/10.0.1.200:80"\nscheduler = "wrr"',
        "2026-01-01T00:00:00+0000 director lvsnat[812]: web 10.0.2.55:8080 is down (refused)",
        "eni-0a1b2c3d4e5f60718 subnet-0a1b2c3d vpc-0a1b2c3d eipalloc-0a1b2c3d",
        "fingerprint 3fa9c0de12ab",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert PLAIN.text(text) == text


ADDRESS = IPv4Address("10.0.1.10")


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Check:
    send: str = "LOGIN admin hunter2hunter2"
    command: tuple[str, ...] = ("/usr/bin/check", "hunter2hunter2")
    password: str | None = None
    colour: Colour = Colour.RED
    address: IPv4Address = ADDRESS
    packets: int = 123456789012
    names: frozenset[str] = frozenset({"b", "a"})
    more: dict[IPv4Address, object] = field(
        default_factory=lambda: {IPv4Address("10.0.0.1"): ["arn:aws:iam::123456789012:role/x"]}
    )


def test_a_value_becomes_what_json_has_without_its_secrets() -> None:
    assert PLAIN.plain(Check()) == {
        "send": REMOVED,
        "command": ["/usr/bin/check", REMOVED],
        "password": None,
        "colour": "red",
        "address": "10.0.1.10",
        "packets": 123456789012,
        "names": ["a", "b"],
        "more": {"10.0.0.1": [f"arn:aws:iam::{ACCOUNT}:role/x"]},
    }


def test_a_long_text_takes_no_long_time() -> None:
    PLAIN.text("a" * 300_000 + "secret" * 50_000 + " " * 300_000 + "/" * 100_000)
