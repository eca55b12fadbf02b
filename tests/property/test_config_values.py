"""Whatever stands at a key, a configuration is read or refused with the place; nothing else."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from lvsnat.config.check_form import CheckForm
from lvsnat.config.daemon_form import DaemonForm
from lvsnat.config.haproxy_form import HaproxyForm, ProxyForm
from lvsnat.config.parse import parse_config
from lvsnat.config.problems import ConfigError
from lvsnat.config.service_form import ServiceForm
from lvsnat.config.toml import string
from lvsnat.errors import UsageError
from lvsnat.model.health import CheckType, HealthCheck, parse_statuses, statuses_text

WORDS = [
    "tcp",
    "http",
    "http:/x",
    "5m",
    "500ms",
    "200-299",
    "192.168.2.99:80",
    "10.0.0.0/8",
    "dns:example.com",
    "agent:8080",
    "file:/x",
    "grpc",
    "50%",
    "remove",
    "127.0.0.1",
    "(",
    "/x",
    "a\nb",
]
scalars = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.integers(-2, 300).map(str),
    st.sampled_from(["true", "false", "0.5", "nan", "1979-05-27", "{}", "[]", "[[]]"]),
    st.sampled_from(WORDS).map(string),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(string),
)
values = scalars | st.lists(scalars, max_size=2).map(lambda items: f"[{', '.join(items)}]")


def tables(keys: list[str]) -> st.SearchStrategy[str]:
    some = st.dictionaries(st.sampled_from([*keys, "other"]), values, max_size=4)
    return some.map(lambda chosen: "".join(f"{key} = {value}\n" for key, value in chosen.items()))


@st.composite
def documents(draw: st.DrawFn) -> str:
    plain = [key for key in ServiceForm.model_fields if key not in {"check", "haproxy"}]
    text = f"[haproxy]\n{draw(tables(list(HaproxyForm.model_fields)))}"
    text += f"[daemon]\n{draw(tables(list(DaemonForm.model_fields)))}"
    for service in draw(st.lists(tables(plain), max_size=3)):
        check = draw(tables(list(CheckForm.model_fields)))
        text += f"[[service]]\n{service}"
        text += draw(
            st.sampled_from(
                [
                    f"[service.check]\n{check}",
                    f"[[service.check]]\n{check}[[service.check]]\n",
                    f"check = {draw(values)}\n",
                ]
            )
        )
        text += f"[service.haproxy]\n{draw(tables(list(ProxyForm.model_fields)))}"
    return text


def refusal(text: str) -> ConfigError | None:
    try:
        parse_config(text, "test")
    except ConfigError as error:
        return error
    return None


@settings(max_examples=300)
@given(documents())
def test_any_value_is_read_or_refused_with_its_line(text: str) -> None:
    error = refusal(text)

    assert error is None or all(one.line and one.key_path for one in error.problems)


@given(st.text() | st.from_regex(rf"({'|'.join(CheckType)})(:/?.*)?", fullmatch=True))
def test_a_check_in_short_is_read_or_refused(text: str) -> None:
    with suppress(UsageError):
        check = HealthCheck.parse(text)

        assert HealthCheck.parse(check.question) == check


@given(st.text("0123456789-, ") | st.from_regex(r"[0-9]{3}(-[0-9]{3})?(,[0-9]{3})*"))
def test_statuses_are_read_or_refused(text: str) -> None:
    with suppress(UsageError):
        statuses = parse_statuses(text)

        assert parse_statuses(statuses_text(statuses)) == statuses
