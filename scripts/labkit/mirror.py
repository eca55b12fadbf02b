"""Where this machine gets Debian's packages from, read from apt's own configuration.

Only reads. No mirror is written into the project: a machine that names none (Ubuntu) is told so by
the environment variable LVSNAT_DEBIAN_MIRROR.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabError

VARIABLE = "LVSNAT_DEBIAN_MIRROR"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# "deb [options] URI suite components", where the options may hold a signed-by of their own.
_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^]]*)]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)")


@dataclass(frozen=True, slots=True)
class Source:
    """One archive that apt reads: where it is, and which suite of it."""

    uri: str
    suite: str


def debian_mirror(etc_apt: Path = Path("/etc/apt")) -> str:
    """Give the URI of the Debian archive that this machine uses."""
    told = os.environ.get(VARIABLE)
    if told:
        return told.rstrip("/")
    for source in sources(etc_apt):
        if is_debian_archive(source):
            return source.uri.rstrip("/")
    msg = f"no Debian archive in {etc_apt}/sources.list and sources.list.d"
    raise LabError(msg, hint=f"name one: {VARIABLE}=URI scripts/lab build")


def is_known() -> bool:
    """Tell whether this machine names a Debian archive at all."""
    try:
        debian_mirror()
    except LabError:
        return False
    return True


def is_debian_archive(source: Source) -> bool:
    """Tell Debian's main archive from its security archive and from third parties' ones.

    Mirrors have any host, but the path of the main archive always ends in "debian"; the suites of
    other vendors' archives under such a path are not Debian's.
    """
    debian_suites = r"(sid|unstable|testing|stable|oldstable|[a-z]+)(-updates|-backports)?"
    path = source.uri.rstrip("/").rpartition("/")[2]
    return path == "debian" and re.fullmatch(debian_suites, source.suite) is not None


def sources(etc_apt: Path) -> list[Source]:
    """Read every binary archive from apt's one-line and deb822 files, in apt's own order."""
    folder = etc_apt / "sources.list.d"
    files = [etc_apt / "sources.list", *sorted(folder.glob("*"))]
    found: list[Source] = []
    for file in files:
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if file.suffix == ".sources":
            found += parse_deb822(text)
        elif file.suffix == ".list":
            found += parse_one_line(text)
    return found


def parse_one_line(text: str) -> list[Source]:
    """Read the style of sources.list."""
    matches = (_ONE_LINE.match(line.strip()) for line in text.splitlines())
    return [Source(match["uri"], match["suite"]) for match in matches if match]


def parse_deb822(text: str) -> list[Source]:
    """Read the style of debian.sources: stanzas of fields, with comments anywhere."""
    found: list[Source] = []
    without_comments = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", without_comments):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        found += [
            Source(uri, suite)
            for uri in fields.get("uris", [])
            for suite in fields.get("suites", [])
        ]
    return found


def _fields(stanza: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1].isspace():
            fields.setdefault(name, []).extend(line.split())
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.split()
    return fields
