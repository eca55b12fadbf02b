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
        "The configuration is gone",
        "The file is not there, or has no service, and lvsnat's services are in the kernel: it was"
        " moved, emptied or not restored. They are served still. `lvsnat apply` refuses to work"
        " without a file; one that has no service it carries out, and takes all services away. What"
        " it was may stand beside it, in a file that ends with `.bak`.",
        Finding(
            Code.CONFIG_MISSING, Severity.BROKEN, "/etc/lvsnat/lvsnat.toml",
            "the file is not there", "the configuration of 2 services that lvsnat made here",
            "what is in the kernel is served still, and what is to be made anew is lost",
            "put /etc/lvsnat/lvsnat.toml back, and do not run 'lvsnat apply' before; 'lvsnat clear'"
            " takes everything away, if that is meant",
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
        "Another lvsnat works with another configuration",
        "A daemon in this network namespace, or the unit that applies the configuration at boot,"
        " reads another file than this command. Each takes away what the other has made, or calls"
        " it drift.",
        Finding(
            Code.OTHER_CONFIG, Severity.RISK, "/etc/lvsnat/lvsnat.toml",
            "the daemon (process 812) reads /root/new.toml", "one configuration for all",
            "each makes the kernel as its own file says",
            "end the other one, or point both at one file (--config, LVSNAT_CONFIG)",
        ),
    ),
    Entry(
        "A trial is to be decided",
        "`lvsnat try` was killed before its change was kept or taken back: what it tried is in"
        " force, and no other trial begins. At the next boot it is taken back.",
        Finding(
            Code.TRIAL_PENDING, Severity.RISK, "/var/lib/lvsnat/try.json",
            "a trial that was cut off", "kept, or taken back",
            "what was tried is in force until the next boot, and no other trial begins",
            "'lvsnat try --keep' keeps it, 'lvsnat try --revert' takes it back",
        ),
    ),
    Entry(
        "The mode of the configuration is not in force",
        "A switch of modes was cut off, or `mode` was edited and not applied. Connections are"
        " served meanwhile, as that phase does it. While the wait for old connections lasts, it is"
        " a note: the command that switches may still be there.",
        Finding(
            Code.SWITCH_HALFWAY, Severity.RISK, "the mode haproxy-tproxy",
            "the switch stands at both, and nobody goes on with it", "haproxy-tproxy in force",
            "the configuration asks for another mode than the one that serves",
            "'lvsnat apply' goes on with it; 'lvsnat mode lvs-nat' turns round",
        ),
        frozenset({Code.CONFIG_MISSING}),
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
        "The daemon cannot do its work",
        "It runs, and says what keeps it from its work, or has not written down what it knows for a"
        " minute (every 5 s is usual): it hangs, or the disk is full. systemd starts one that hangs"
        " anew. Until then, servers that fail keep their share.",
        Finding(
            Code.DAEMON_STUCK, Severity.RISK, "the daemon",
            "it has written nothing for 140 s", "news every 5 s",
            "what happens to servers is not acted upon",
            "'journalctl -u lvsnat-daemon -n 50' says more; 'systemctl restart lvsnat-daemon'"
            " starts it anew",
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
        "systemd runs here, and the unit that applies the configuration at boot is not enabled, or"
        " the daemon's where the configuration has checks. All of IPVS lives in the kernel and ends"
        " with it.",
        Finding(
            Code.NOT_AT_BOOT, Severity.NOTE, "lvsnat.service", "not enabled", "enabled",
            "after a reboot there are no services until somebody runs 'lvsnat apply'",
            "'lvsnat system install'",
        ),
    ),
    Entry(
        "ipvsadm restores a table of its own at boot",
        "The unit or init script of the package ipvsadm runs `ipvsadm-restore`, which empties the"
        " table first. Who comes last at boot wins: lvsnat's services are gone, or changed, until"
        " the next `lvsnat apply` or the daemon's next look.",
        Finding(
            Code.RESTORE_AT_BOOT, Severity.RISK, "/etc/default/ipvsadm", 'AUTO="true"',
            "one program that fills the table at boot",
            "ipvsadm empties the table and fills it with what was saved once",
            "'sed -i s/^AUTO=.*/AUTO=false/ /etc/default/ipvsadm'",
        ),
    ),
)  # fmt: skip
