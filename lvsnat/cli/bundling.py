"""lvsnat doctor --bundle: one file for who is asked for help."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lvsnat.cli import output

if TYPE_CHECKING:
    from lvsnat.director.bundle import Gathered, Part
    from lvsnat.director.director import Director
    from lvsnat.doctor.facts import Facts

_README = """\
What 'lvsnat doctor --bundle' wrote at {moment} UTC.

Taken out: passwords, keys, tokens, cookies, what checks send, userlists of HAProxy, names of AWS
profiles, ids of AWS accounts. Look it through all the same before you send it.
Still in it: the addresses of clients and servers, names of services, ids of AWS resources, the log.

{parts}
"""


def refuse_hopeless(path: Path) -> None:
    """Refuse a file that is there or cannot be made, before anything is looked at."""
    from lvsnat.director import bundlefile

    bundlefile.refuse_hopeless(path)


def write(path: Path, director: Director, facts: Facts) -> None:
    """Write what is known into one file, with all findings, and say what is in it."""
    from lvsnat.director.bundle import gather, host_parts
    from lvsnat.director.bundlefile import write_bundle
    from lvsnat.doctor.redact import Redactor

    redactor = Redactor.of(os.environ, _known(facts))
    gathered = gather([*_own_parts(director, facts), *host_parts(director)], redactor)
    now = director.clock.now()
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S")
    readme = _README.format(moment=moment, parts="\n".join(_lines(gathered)))
    write_bundle(path, {"README.txt": readme, **gathered.texts}, now)
    output.talk(f"{path} holds, without the secrets that are known by their form:")
    for line in _lines(gathered):
        output.talk(line)
    output.talk(f"look it through before you send it: 'tar -xzf {path}'")


def _known(facts: Facts) -> Iterator[str]:
    """What is known by its value, wherever it is: a profile that is not there, in an error."""
    profile = None if facts.config is None or facts.config.aws is None else facts.config.aws.profile
    if profile not in (None, "default"):
        yield str(profile)
    if facts.vpc is not None and facts.vpc.scene is not None:
        picture = facts.vpc.scene.picture
        yield picture.account
        yield from (one.owner for one in picture.tables)
        yield from (one.owner for one in picture.subnets)
        yield from (one.owner for one in picture.interfaces)


def _own_parts(director: Director, facts: Facts) -> Iterator[Part]:
    """What the doctor has seen and found, and what lvsnat says of itself."""
    from lvsnat.director.bundle import Part
    from lvsnat.doctor.diagnose import diagnose
    from lvsnat.ui import jsonout
    from lvsnat.ui.doctor import report_document, report_lines

    def plan() -> object:
        return jsonout.plan_document(director.planned().plan)

    found = diagnose(facts)
    lines = "\n".join(line.plain for line in report_lines(found, facts.unread))
    probed = facts.probes is not None
    yield Part("findings.txt", lambda: f"{lines}\n")
    yield Part("findings.json", lambda: report_document(found, facts.unread, probed=probed))
    yield Part("facts.json", lambda: facts)
    yield Part("status.json", lambda: jsonout.status_document(director.status()))
    yield Part("plan.json", plan)


def _lines(gathered: Gathered) -> Iterator[str]:
    for name, text in gathered.texts.items():
        yield f"  {name:<24} {len(text)} characters"
    for name, why in gathered.lacking.items():
        yield f"  {name:<24} not in it: {why}"
