"""Fetch packages from Debian's archive as an ordinary user, beside the system's own apt.

A private apt configuration gives lists and cache of its own, so nothing of the system changes and
no root is needed. apt verifies the archive's signature with Debian's keyring and every package's
checksum with the signed lists; there is no other check to make.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabError
from labkit.mirror import KEYRING


@dataclass(frozen=True, slots=True)
class PrivateApt:
    """An apt that knows one suite of one archive, and keeps everything below one folder."""

    folder: Path
    mirror: str
    suite: str

    def update(self) -> None:
        """Write the configuration and fetch the signed package lists."""
        for part in ("lists/partial", "cache/archives/partial"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        source = f"deb [signed-by={KEYRING}] {self.mirror} {self.suite} main\n"
        (self.folder / "sources.list").write_text(source)
        settings = {
            "Dir::Etc::SourceList": self.folder / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": self.folder / "lists",
            # What this system has installed is no part of the suite.
            "Dir::State::Status": "/dev/null",
            "Dir::Cache": self.folder / "cache",
            # Else apt run by root drops to a user who may not read this folder.
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
            # Ubuntu's architecture may differ from what we want to run; the lab is for amd64.
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "Acquire::Languages": "none",
            # A mirror may be out of reach for a moment, or just about to change.
            "Acquire::Retries": "5",
        }
        config = "".join(f'{key} "{value}";\n' for key, value in settings.items())
        (self.folder / "apt.conf").write_text(config)
        self._run("apt-get", "-qq", "update")

    def names(self, pattern: str) -> list[str]:
        """List the packages whose name matches a regular expression."""
        listed = self._run("apt-cache", "search", "--names-only", pattern)
        return [line.split()[0] for line in listed.splitlines() if line.strip()]

    def field(self, package: str, name: str) -> str:
        """Read one field of a package's newest version."""
        shown = self._run("apt-cache", "show", "--no-all-versions", package)
        for line in shown.splitlines():
            if line.startswith(f"{name}: "):
                return line.partition(": ")[2]
        return ""

    def download(self, package: str) -> Path:
        """Fetch one package, verified, and give the file."""
        self._run("apt-get", "-qq", "download", package)
        found = sorted(self.folder.glob(f"{package}_*.deb"))
        if not found:
            msg = f"apt-get download {package} left no file in {self.folder}"
            raise LabError(msg)
        return found[-1]

    def _run(self, *argv: str) -> str:
        environment = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"}
        try:
            done = subprocess.run(
                argv,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
        except FileNotFoundError:
            msg = f"{argv[0]} is not on this machine"
            raise LabError(msg, hint="the lab builds its kernels on Debian and Ubuntu") from None
        except subprocess.CalledProcessError as error:
            msg = f"{' '.join(argv)} failed for {self.suite} of {self.mirror}:\n{error.stderr}"
            raise LabError(msg.rstrip(), hint="is the archive reachable from here?") from None
        return done.stdout


def unpack(package: Path, into: Path) -> None:
    """Unpack a package's files below a folder, running none of its scripts."""
    subprocess.run(["dpkg-deb", "--extract", package, into], check=True)


def version_key(name: str) -> tuple[int, ...]:
    """Order package names by the numbers in them: 7.10 is newer than 7.9."""
    return tuple(int(number) for number in re.findall(r"\d+", name))
