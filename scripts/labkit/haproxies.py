"""The HAProxy of each Debian suite, unpacked beside the system's own: to read configurations with.

    python -m labkit.haproxies      fetches all, and names them (with scripts/ on PYTHONPATH)

Each comes from Debian's archive as `unpacked` says. It reads and judges files (``-c``); to serve,
it would need to start itself anew, which a program that was named to a loader cannot.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from labkit.cache import building, cache_root
from labkit.debian import PrivateApt, unpack
from labkit.errors import LabError
from labkit.mirror import debian_mirror
from labkit.progress import say
from labkit.unpacked import Unpacked, needed

SUITES = {"bookworm": "bookworm", "trixie": "trixie", "sid": "sid", "experimental": "sid"}
"""Each suite that offers a version of its own, and where its libraries are; 2.6 to 3.4 in 2026."""

_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Haproxy:
    """One version, in a folder of the cache."""

    suite: str
    folder: Path

    @property
    def version(self) -> str:
        """What Debian calls it, such as 3.0.11-1+deb13u3."""
        return self.folder.name.removeprefix(f"haproxy-{self.suite}-")

    def judge(self, file: Path) -> str:
        """Give all that ``haproxy -dW -c`` complains of: nothing if it takes the file as it is."""
        done = self._run("-dW", "-c", "-f", str(file))
        complaints = "".join(
            line
            for line in f"{done.stdout}{done.stderr}".splitlines(keepends=True)
            if line.strip() != "Configuration file is valid"
        )
        if done.returncode != 0 and not complaints:
            return f"haproxy {self.version} ended with {done.returncode} and said nothing"
        return complaints

    def start(self) -> None:
        """Make sure that it runs at all; LabError says why it does not."""
        done = self._run("-v")
        if done.returncode != 0:
            msg = f"haproxy {self.version} of {self.suite} does not run here:\n{done.stderr}"
            raise LabError(msg.rstrip(), hint=f"remove {self.folder}, and it is fetched again")

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [*_as_nobody(), *Unpacked(self.folder).command("usr/sbin/haproxy"), *words]
        # The place that Debian's OpenSSL looks in is a link of another package.
        environment = {**os.environ, "SSL_CERT_DIR": "/etc/ssl/certs"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def haproxies() -> list[Haproxy]:
    """Give one HAProxy of each suite, and fetch those that are missing."""
    return [_of_suite(suite) for suite in SUITES]


def _of_suite(suite: str) -> Haproxy:
    with building(f"haproxy-{suite}") as work:
        found = _cached(suite) or _fetch(suite, work)
    found.start()
    return found


def _cached(suite: str) -> Haproxy | None:
    kept = sorted(cache_root().glob(f"haproxy-{suite}-*/usr/sbin/haproxy"))
    return Haproxy(suite, kept[-1].parents[2]) if kept else None


def _fetch(suite: str, work: Path) -> Haproxy:
    mirror = debian_mirror()
    say(f"fetching haproxy of Debian's {suite} from {mirror}")
    apt = PrivateApt(work / suite, mirror, suite)
    apt.update()
    version = apt.field("haproxy", "Version")
    if not version:
        msg = f"{suite} of {mirror} offers no haproxy"
        raise LabError(msg, hint="take the suite out of SUITES in scripts/labkit/haproxies.py")
    source = SUITES[suite]
    libraries = apt if source == suite else PrivateApt(work / source, mirror, source)
    if libraries is not apt:
        libraries.update()
    result = work / "result"
    unpack(apt.download("haproxy"), result)
    for library in needed(apt.field("haproxy", "Depends"), libraries):
        unpack(libraries.download(library), result)
    final = cache_root() / f"haproxy-{suite}-{version}"
    result.rename(final)
    return Haproxy(suite, final)


def _as_nobody() -> list[str]:
    """Be no root, whom HAProxy 3.3 warns about, and yet able to read the cache of root's home."""
    if os.geteuid() != 0:
        return []
    reading = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *reading]


if __name__ == "__main__":
    for one in haproxies():
        print(one.suite, one.version)
