"""lvsnat itself on this host: its files, its unit, settings that nobody carries out. No I/O."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from lvsnat.doctor.facts import Facts, SelfFacts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.model import idle

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def findings(facts: Facts) -> Iterator[Finding]:
    own = facts.own
    if own.broken_config is not None:
        yield Finding(
            Code.CONFIG_BROKEN,
            Severity.BROKEN,
            own.broken_config.path,
            own.broken_config.problem,
            "a configuration",
            "no command can change anything; the kernel goes on as it is",
            own.broken_config.remedy or "correct it",
        )
    for fault in own.broken_state:
        yield Finding(
            Code.STATE_BROKEN,
            Severity.BROKEN,
            fault.path,
            fault.problem,
            "a file that lvsnat wrote",
            "no command can tell what is lvsnat's own; the kernel goes on as it is",
            fault.remedy,
        )
    if own.health_problem is not None:
        yield Finding(
            Code.HEALTH_UNREADABLE,
            Severity.RISK,
            "the published health",
            own.health_problem,
            "what a daemon of this version wrote",
            "servers that were found down count as up",
            "'systemctl restart lvsnat-daemon'",
        )
    yield from _modes(own)
    if facts.config is not None:
        for caution in idle.cautions(facts.config, watched=own.daemon):
            subject, _, seen = caution.message.partition(": ")
            yield Finding(
                Code.IDLE_SETTING, Severity.RISK, subject, seen, "somebody who does it",
                "whoever writes it into the configuration counts on it", caution.hint,
            )  # fmt: skip
        if own.systemd and not own.enabled and facts.config.services:
            yield Finding(
                Code.NOT_AT_BOOT,
                Severity.NOTE,
                "lvsnat.service",
                "not enabled",
                "enabled",
                "after a reboot there are no services until somebody runs 'lvsnat apply'",
                "'lvsnat system install'",
            )


def _modes(own: SelfFacts) -> Iterator[Finding]:
    for file in own.files:
        if file.mode & _OTHERS or not file.root:
            seen = f"mode {file.mode:04o}" + ("" if file.root else ", and not root's")
            yield Finding(
                Code.FILE_MODE,
                Severity.RISK,
                file.path,
                seen,
                "root's, and writable for nobody else",
                "whoever can write to it decides where the traffic goes",
                f"'chown root {file.path}' and 'chmod go-w {file.path}'",
            )
