"""What cannot be found out, and the error that tells all of it at once. Values and words only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lvsnat.aws.codes import Code
from lvsnat.errors import UsageError


@dataclass(frozen=True, slots=True)
class Unclear:
    """Something that cannot be found out."""

    message: str
    hint: str
    code: Code | None = None
    """Where that is by itself a cause why clients get no answer."""

    @property
    def words(self) -> str:
        return self.message if self.code is None else f"{self.code}: {self.message}"


class UnclearError(UsageError):
    """It is not clear what is meant."""

    def __init__(self, unclear: Sequence[Unclear]) -> None:
        super().__init__(*_words(unclear))
        self.unclear = tuple(unclear)


def _words(unclear: Sequence[Unclear]) -> tuple[str, str]:
    if len(unclear) == 1:
        return unclear[0].words, unclear[0].hint
    lines = [f"{len(unclear)} things are not clear"]
    for one in unclear:
        lines += [f"  {one.words}", f"    {one.hint}"]
    return "\n".join(lines), "say them; nothing was changed"
