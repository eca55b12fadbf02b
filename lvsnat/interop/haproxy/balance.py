"""``balance`` and ``hash-type`` to the scheduler of IPVS that does the same, or comes near."""

from __future__ import annotations

from lvsnat.errors import LvsnatError, RefusedError, UsageError
from lvsnat.model.service import Scheduler, SchedulerFlag

_NEAREST = "lvsnat takes wrr instead"
_SOURCE_AND_PORT = "src,concat(:,sess.sp)"
"""How a backend hashes the client's port, too, where the frontend keeps it in ``sess.sp``."""
PORT_KEEPER = ("tcp-request", "connection", "set-var(sess.sp)", "src_port")
Choice = tuple[Scheduler, frozenset[SchedulerFlag]]

_BY_CONTENT = {
    "uri": "the URI",
    "url_param": "a parameter of the URL",
    "rdp-cookie": "an RDP cookie",
    "hdr": "a header",
    "hash": "an expression",
    "sticky": "a table",
    "log-hash": "a log line",
}


def choice_of(balance: tuple[str, ...], hash_type: tuple[str, ...], factor: int = 0) -> Choice:
    """Choose scheduler and flags; nothing given is HAProxy's own default, roundrobin.

    Raises RefusedError where connections are placed by what IPVS does not see.
    """
    if balance == ("hash", _SOURCE_AND_PORT):
        if hash_type[:1] == ("consistent",):
            return Scheduler.MH, frozenset({SchedulerFlag.MH_PORT})
        return Scheduler.SH, frozenset({SchedulerFlag.SH_PORT})
    return _scheduler(balance, hash_type, factor), frozenset()


def _scheduler(balance: tuple[str, ...], hash_type: tuple[str, ...], factor: int) -> Scheduler:
    if balance == ("hash", "dst"):
        return Scheduler.LBLC if factor else Scheduler.DH
    match balance[0].partition("(")[0] if balance else "roundrobin":
        case "roundrobin" | "static-rr":
            return Scheduler.WRR
        case "leastconn":
            return Scheduler.WLC
        case "source":
            return Scheduler.MH if hash_type[:1] == ("consistent",) else Scheduler.SH
        case "first":
            return Scheduler.OVF
        case "random":
            return Scheduler.TWOS
        case word:
            raise _refusal(word, balance)


def _refusal(word: str, balance: tuple[str, ...]) -> LvsnatError:
    what = _BY_CONTENT.get(word)
    if what is None:
        return UsageError(f"{word!r} is not a way to balance that lvsnat knows", _NEAREST)
    return RefusedError(
        f"'{' '.join(('balance', *balance))}' places by {what}, which IPVS does not see",
        f"{_NEAREST}; 'balance source' would tie clients to servers, as 'sh' does",
    )
