"""What an answer has to hold: a text, something that a regular expression finds, or both. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from lvsnat.model.health import HealthCheck

if TYPE_CHECKING:
    import regex

SECONDS = 0.05
"""How long one answer is searched at most: some regular expressions take for ever on some texts,
and meanwhile nothing else is asked."""


@dataclass(frozen=True, slots=True)
class Expected:
    """True as a condition if anything is expected at all."""

    text: str | None
    regex: str | None

    @classmethod
    def of(cls, check: HealthCheck) -> Self:
        return cls(check.body, check.regex)

    def __bool__(self) -> bool:
        return self.text is not None or self.regex is not None

    def __str__(self) -> str:
        parts = [] if self.text is None else [repr(self.text)]
        if self.regex is not None:
            parts.append(f"what /{self.regex}/ finds")
        return " and ".join(parts)

    def found(self, answer: bytes | bytearray, *, whole: bool = False) -> bool:
        """Whether it is there; a regular expression is tried only on the ``whole`` answer.

        Its meaning may change with what follows (``$``), and trying it again for each piece of
        an answer that comes byte by byte would be dear. TimeoutError if that takes too long.
        """
        if self.text is not None and self.text.encode() not in answer:
            return False
        if self.regex is None:
            return True
        return whole and _search(self.regex, answer.decode("utf-8", "replace"))


def _search(pattern: str, text: str) -> bool:
    try:
        return _compiled(pattern).search(text, timeout=SECONDS) is not None
    except TimeoutError:
        raise TimeoutError(f"/{pattern}/ takes too long to be found in the answer") from None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> regex.Pattern[str]:
    # Loaded only where it is asked for. Its words are those of re, and it can give up.
    import regex

    return regex.compile(pattern)
