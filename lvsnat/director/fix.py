"""Repair what the doctor has found, as far as a plan does: these resources and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

from lvsnat.director.director import Director, Options, Wish
from lvsnat.director.shadows import refuse_shadows
from lvsnat.director.transaction import Transaction
from lvsnat.model.resource import Key
from lvsnat.plan.overlay import holding


@contextlib.contextmanager
def fixing(director: Director, keys: Collection[Key], options: Options) -> Iterator[Transaction]:
    """Prepare to make these resources, and what belongs to them, as the configuration says.

    A service's key means its servers, too. The rest of the difference is left alone as drift. In
    the midst of a switch of modes, the phase that is in force counts.
    """
    with director.locked(options):
        config = director.config()
        wish = Wish(config, holding(director.overrides(), director.clock.now()))
        transaction = director.transaction(wish, options, only=keys)
        refuse_shadows(transaction, config)
        yield transaction
