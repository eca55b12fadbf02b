"""lvsnat itself on this host: its files, its unit, settings that nobody carries out. No I/O."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from lvsnat.doctor.facts import Facts, Fault, SelfFacts
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code
from lvsnat.model import idle
from lvsnat.model.config import Config
from lvsnat.model.mode import Mode
from lvsnat.model.phase import Phase
from lvsnat.model.proxied import daemon_checks, is_proxied
from lvsnat.model.switch import Standing

_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_QUIET = 60
"""Seconds; a daemon writes down what it knows every 5."""
_PROBLEMS = 2
"""So many of a broken configuration are told."""


def findings(facts: Facts) -> Iterator[Finding]:
    own, config = facts.own, facts.config
    yield from _files(own)
    if own.owned and (own.absent or (config is not None and not config.services)):
        yield _missing(own)
    yield from _at_work(own)
    yield from _modes(own)
    if config is not None:
        yield from _idle(own, config)
        if own.systemd:
            yield from _at_boot(own, config)


def _files(own: SelfFacts) -> Iterator[Finding]:
    """What cannot be read as what it should be."""
    if own.broken_config is not None:
        yield Finding(
            Code.CONFIG_BROKEN,
            Severity.BROKEN,
            own.broken_config.path,
            _problems(own.broken_config),
            "a configuration",
            "no command can change anything; the kernel goes on as it is",
            own.broken_config.remedy.removesuffix("; nothing was changed") or "correct it",
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


def _idle(own: SelfFacts, config: Config) -> Iterator[Finding]:
    """Settings that nobody carries out."""
    for caution in idle.cautions(config, watched=own.daemon):
        subject, _, seen = caution.message.partition(": ")
        yield Finding(
            Code.IDLE_SETTING, Severity.RISK, subject, seen, "somebody who does it",
            "whoever writes it into the configuration counts on it", caution.hint,
        )  # fmt: skip


def _at_boot(own: SelfFacts, config: Config) -> Iterator[Finding]:
    if not own.enabled and config.services:
        yield Finding(
            Code.NOT_AT_BOOT,
            Severity.NOTE,
            "lvsnat.service",
            "not enabled",
            "enabled",
            "after a reboot there are no services until somebody runs 'lvsnat apply'",
            "'lvsnat system install'",
        )
    watched = any(
        daemon_checks(one, proxied=config.phase.proxy and is_proxied(one))
        for one in config.services
    )
    if own.daemon and watched and not own.daemon_enabled:
        yield Finding(
            Code.NOT_AT_BOOT,
            Severity.NOTE,
            "lvsnat-daemon.service",
            "not enabled",
            "enabled",
            "after a reboot nobody makes the checks until somebody starts the daemon",
            "'systemctl enable lvsnat-daemon'",
        )


def _problems(fault: Fault) -> str:
    """One of several lines as one line (lvsnat.config.problems writes them)."""
    title, *lines = fault.problem.splitlines()
    # A problem is indented by two, the hint below it by four.
    places = (one.strip().removeprefix(f"{fault.path}:") for one in lines if one[2:3].strip())
    said = [f"line {one}" if one[:1].isdigit() else one.strip() for one in places]
    if not said:
        return title
    rest = len(said) - _PROBLEMS
    more = f" and {rest} more ('lvsnat plan' lists all)" if rest > 0 else ""
    return f"{len(said)} problems: {'; '.join(said[:_PROBLEMS])}{more}"


def _missing(own: SelfFacts) -> Finding:
    made = "a service" if own.owned == 1 else f"{own.owned} services"
    return Finding(
        Code.CONFIG_MISSING,
        Severity.BROKEN,
        own.config,
        "the file is not there" if own.absent else "it has no service",
        f"the configuration of {made} that lvsnat made here",
        "what is in the kernel is served still, and what is to be made anew is lost",
        f"put {own.config} back, and do not run 'lvsnat apply' before; 'lvsnat clear' takes"
        " everything away, if that is meant",
    )


def _at_work(own: SelfFacts) -> Iterator[Finding]:
    """Who else is at work here, and what was cut off."""
    for other in own.others:
        yield Finding(
            Code.OTHER_CONFIG,
            Severity.RISK,
            own.config,
            other,
            "one configuration for all",
            "each makes the kernel as its own file says",
            "end the other one, or point both at one file (--config, LVSNAT_CONFIG)",
        )
    if own.trial is not None:
        yield Finding(
            Code.TRIAL_PENDING,
            Severity.RISK,
            own.trial,
            "a trial that was cut off",
            "kept, or taken back",
            "what was tried is in force until the next boot, and no other trial begins",
            "'lvsnat try --keep' keeps it, 'lvsnat try --revert' takes it back",
        )
    if own.standing is not None:
        yield _halfway(own.standing, overdue=own.overdue)
    if own.daemon and (own.daemon_problems or own.daemon_quiet > _QUIET):
        yield Finding(
            Code.DAEMON_STUCK,
            Severity.RISK,
            "the daemon",
            own.daemon_problems[0].splitlines()[0]
            if own.daemon_problems
            else f"it has written nothing for {own.daemon_quiet:.0f} s",
            "a daemon that does its work" if own.daemon_problems else "news every 5 s",
            "what happens to servers is not acted upon",
            "'journalctl -u lvsnat-daemon -n 50' says more; 'systemctl restart lvsnat-daemon'"
            " starts it anew",
        )


def _halfway(here: Standing, *, overdue: bool) -> Finding:
    (other,) = set(Mode) - {here.mode}
    at_rest = here.phase in map(Phase.of, Mode) and here.origin is None
    where = f"{here.phase} is in force" if at_rest else f"the switch stands at {here.phase}"
    goes_on = "and nobody goes on with it" if overdue else "and waits for connections to end"
    return Finding(
        Code.SWITCH_HALFWAY,
        Severity.RISK if overdue else Severity.NOTE,
        f"the mode {here.mode}",
        where if at_rest else f"{where}, {goes_on}",
        f"{here.mode} in force",
        "the configuration asks for another mode than the one that serves",
        f"'lvsnat apply' goes on with it; 'lvsnat mode {other}' turns round",
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
