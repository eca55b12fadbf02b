"""Remedies that can be typed as they stand, between single quotes. No I/O here."""

from __future__ import annotations

from typing import Final

_FILE: Final = "/etc/sysctl.d/90-lvsnat.conf"
UNSAVED: Final = "; it is gone after a reboot unless your firewall's own configuration has it"
"""Of a rule that a command has made."""


def command(words: str) -> str:
    """A command between single quotes; what it quotes itself stands between double ones."""
    return "'{}'".format(words.replace("'", '"'))


def settings(values: dict[str, str | int]) -> str:
    """How to set them now and at every boot, as sysctl(8) and sysctl.d(5) spell them."""
    now = " ".join(f"{name}={value}" for name, value in values.items())
    lines = " && ".join(f'echo "{name} = {value}" >> {_FILE}' for name, value in values.items())
    return f"'sysctl -w {now}'; to keep {'them' if len(values) > 1 else 'it'}: '{lines}'"


def setting(name: str, value: str | int) -> str:
    """How to set one now and at every boot."""
    return settings({name: value})
