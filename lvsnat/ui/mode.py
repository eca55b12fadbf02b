"""The mode, and what it asks of the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lvsnat.model.mode import Mode
from lvsnat.model.status import DirectorStatus, HostStatus, Sync
from lvsnat.model.switch import Progress
from lvsnat.ui import switching, words
from lvsnat.ui.counts import DRIFT
from lvsnat.ui.lines import Line, Part
from lvsnat.ui.status import STYLES

_MEANINGS: Final = {
    Mode.LVS_NAT: "the kernel's IPVS forwards TCP, UDP and SCTP to the real servers",
    Mode.HAPROXY_TPROXY: "HAProxy takes TCP to the real servers from the client's own address;"
    " the kernel's IPVS forwards the rest",
}


def mode_view(status: DirectorStatus, progress: Progress | None = None) -> Iterator[Line]:
    """The mode, what it means, how far a switch is, and each thing that is asked of the host."""
    yield Line(Part(str(status.mode), "title"), Part(f": {_MEANINGS[status.mode]}"))
    if progress is not None:
        yield from switching.progress_lines(progress)
    differing = sum(thing.sync in DRIFT for thing in status.host)
    if not status.host:
        yield Line(Part("asks nothing of this host: no services yet", "quiet"))
    elif differing:
        yield Line(Part(f"asks of this host, and {differing} of {len(status.host)} differ:", "bad"))
    else:
        yield Line(Part("asks of this host, in sync:", "good"))
    for thing in status.host:
        yield _line(thing)


def _line(thing: HostStatus) -> Line:
    """``in-sync  sysctl net.ipv4.ip_forward  value=1``."""
    line = Line(Part(f"  {words.state(thing.sync):<{_WIDTH}}", STYLES[thing.sync]))
    line.add(f"  {thing.what}")
    if thing.sync in DRIFT:
        return line.add(f"  {words.differences(thing.seen or {}, thing.wanted)}")
    settings = words.settings(thing.wanted)
    return line.add(f"  {settings}", "quiet") if len(settings) <= _SHORT else line


_WIDTH: Final = max(len(words.state(sync)) for sync in DRIFT | {Sync.IN_SYNC})
_SHORT: Final = 40
"""So many characters of settings are worth reading where all is well."""
