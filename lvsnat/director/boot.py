"""What is different at boot: networks come when they come, and nobody is there to decide a trial.

The ledger needs no care here: it knows that its entries are of another boot (ledgerfile.py). Nor
does the guard: where nothing is, nothing is cut; and run by hand on a director that serves, it
must hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lvsnat.director import trial
from lvsnat.director.director import Director
from lvsnat.director.trial import Journal
from lvsnat.host.arrival import missing
from lvsnat.host.resources import Vip
from lvsnat.model.config import Config
from lvsnat.system import read_file

SECONDS = 30.0
"""How long networks are waited for."""
INTERVAL = 0.5

Look = Callable[[Sequence[Vip]], Sequence[str]]
Show = Callable[[str, float], None]
"""Called with what is waited for, and the seconds left."""


def wait_for_networks(director: Director, show: Show, look: Look = missing) -> Sequence[str]:
    """Wait until every VIP can be added where it belongs; what is missing when the time is up."""
    wished = director.expand(_config(director)).values()
    vips = [resource for resource in wished if isinstance(resource, Vip)]
    clock = director.clock
    end = clock.monotonic() + SECONDS
    while awaited := look(vips) if vips else ():
        left = end - clock.monotonic()
        if left <= 0:
            return awaited
        show(awaited[0], left)
        clock.sleep(min(INTERVAL, left))
    return ()


def trial_to_take_back(director: Director) -> Journal | None:
    """The trial that was cut off and that nobody decided, by word or by another configuration.

    It was to be taken back unless somebody kept it.
    """
    journal = trial.unfinished(director.paths)
    if journal is None or read_file(director.paths.config) not in (journal.config, journal.tried):
        return None
    return journal


def _config(director: Director) -> Config:
    """The configuration that will hold."""
    journal = trial_to_take_back(director)
    if journal is None:
        return director.config()
    return director.parsed(journal.config or "", "the configuration before the trial")
