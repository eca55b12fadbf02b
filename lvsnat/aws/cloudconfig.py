"""Files and commands as a #cloud-config: what cloud-init makes of user data. Pure."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, Final, Protocol

import yaml

from lvsnat.errors import LvsnatError

LIMIT: Final = 16 * 1024
"""Bytes of user data that EC2 takes, before base64 (EC2 guide, "Instance user data")."""


class Contents(Protocol):
    """A file that is to be on the instance."""

    @property
    def path(self) -> PurePosixPath: ...
    @property
    def text(self) -> str: ...
    @property
    def mode(self) -> int: ...


def cloud_config(about: str, files: Iterable[Contents], commands: Iterable[Sequence[str]]) -> str:
    """A #cloud-config that writes files, then runs commands, at an instance's first boot.

    ``about`` is a comment of one line. What is to happen at later boots is up to the files.
    """
    document = {
        "write_files": [
            {
                "path": str(one.path),
                "permissions": f"0{one.mode:o}",
                "content": _Block(one.text),
            }
            for one in files
        ],
        "runcmd": [[*words] for words in commands],
    }
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=LIMIT)
    return f"#cloud-config\n# {about}\n{body}"


def packed(text: str) -> bytes:
    """The same, compressed; cloud-init unpacks it. Equal texts have equal bytes."""
    return gzip.compress(text.encode(), mtime=0)


def insist_on_size(data: bytes, cure: str) -> None:
    """Refuse what EC2 would refuse, with the next step. Raises LvsnatError."""
    if len(data) > LIMIT:
        raise LvsnatError(f"{len(data)} bytes of user data, and EC2 takes {LIMIT}", cure)


class _Block(str):
    """A text that is written line by line, so that a person can read it."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    pass


def _block(dumper: _Dumper, value: _Block) -> Any:  # noqa: ANN401 - a node of PyYAML
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style="|")


_Dumper.add_representer(_Block, _block)
