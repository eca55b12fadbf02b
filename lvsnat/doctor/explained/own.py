"""The codes of lvsnat itself on this host. No I/O here."""

from __future__ import annotations

from typing import Final

from lvsnat.doctor.explained.entry import Entry
from lvsnat.doctor.finding import Finding, Severity
from lvsnat.doctor.names import Code

OWN: Final = (
    Entry(
        "The configuration cannot be read",
        "The kernel goes on with what it has. Nothing else is looked at: what should be is not"
        " known. `lvsnat plan` names every mistake with its line.",
        Finding(
            Code.CONFIG_BROKEN, Severity.BROKEN, "/etc/lvsnat/lvsnat.toml",
            "/etc/lvsnat/lvsnat.toml:3: service 'web': unknown key 'lisen'", "a configuration",
            "no command can change anything; the kernel goes on as it is",
            "did you mean 'listen'?",
        ),
    ),
    Entry(
        "A file of lvsnat's own cannot be read",
        "The ledger says what lvsnat made, the overrides which servers are held at 0, the switch"
        " where a change of modes stands. Without them nothing is changed, and nothing else is"
        " looked at.",
        Finding(
            Code.STATE_BROKEN, Severity.BROKEN, "/var/lib/lvsnat/ledger.json",
            "not a ledger that this version reads (Expecting value: line 1 column 1 (char 0))",
            "a file that lvsnat wrote",
            "no command can tell what is lvsnat's own; the kernel goes on as it is",
            "move it away ('mv /var/lib/lvsnat/ledger.json /var/lib/lvsnat/ledger.json.broken') and"
            " run 'lvsnat apply --adopt': it takes over the services of the configuration",
        ),
    ),
    Entry(
        "What the daemon knew of the servers cannot be read",
        "/run/lvsnat/health.json is passed over, as if no daemon had ever run: servers that were"
        " found down count as up until they are asked again.",
        Finding(
            Code.HEALTH_UNREADABLE, Severity.RISK, "the published health",
            "/run/lvsnat/health.json: not a health that this version reads (Expecting value): it"
            " is passed over",
            "what a daemon of this version wrote", "servers that were found down count as up",
            "'systemctl restart lvsnat-daemon'",
        ),
    ),
    Entry(
        "Others may write to a file of lvsnat",
        "The configuration and what lvsnat remembers decide where traffic goes, and commands run as"
        " root.",
        Finding(
            Code.FILE_MODE, Severity.RISK, "/etc/lvsnat/lvsnat.toml", "mode 0666",
            "root's, and writable for nobody else",
            "whoever can write to it decides where the traffic goes",
            "'chown root /etc/lvsnat/lvsnat.toml' and 'chmod go-w /etc/lvsnat/lvsnat.toml'",
        ),
    ),
    Entry(
        "Something is configured that nobody does",
        "Checks without a daemon, a sorry server without one, or settings for HAProxy in lvs-nat."
        " Every command that changes something says so, too.",
        Finding(
            Code.IDLE_SETTING, Severity.RISK, "web",
            "nobody makes the check, and a server that fails keeps its share: the daemon does not"
            " run",
            "somebody who does it",
            "whoever writes it into the configuration counts on it",
            "start the daemon: 'systemctl enable --now lvsnat-daemon', or 'lvsnat run' by hand",
        ),
    ),
    Entry(
        "Nothing is started at boot",
        "systemd runs here, and the unit that applies the configuration at boot is not enabled. All"
        " of IPVS lives in the kernel and ends with it.",
        Finding(
            Code.NOT_AT_BOOT, Severity.NOTE, "lvsnat.service", "not enabled", "enabled",
            "after a reboot there are no services until somebody runs 'lvsnat apply'",
            "'lvsnat system install'",
        ),
    ),
)  # fmt: skip
