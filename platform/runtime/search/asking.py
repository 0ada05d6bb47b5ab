"""What a person typed into a search, understood: the tokens to look for, whole or as beginnings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from metadata.folding import fold, plain
from runtime.search.tokens import LONGEST_TOKEN, RUNS, is_cjk, phone_digits

_MOST_TERMS = 12
_TAIL = 4
"""The fewest digits that find a number by its end."""
_LIKE_FROM = 3
"""From this length on, all pairs of a CJK run may occur without standing together: the text itself is checked too."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One token to look for, whole or as the beginning of one."""

    token: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """One piece of what was typed: found when one field holds all probes of one of the alternatives."""

    alternatives: tuple[tuple[Probe, ...], ...]
    run: str | None = None
    """A CJK run that has to stand in the field's text as it is."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What was typed, understood: every term of one of the readings must be found."""

    readings: tuple[tuple[Term, ...], ...]

    @property
    def runs(self) -> tuple[str, ...]:
        return tuple(term.run for reading in self.readings for term in reading if term.run)


@lru_cache(maxsize=1_000)
def understand(q: str) -> SearchQuery:
    """Read what a person typed. Nothing to look for gives no reading, which finds nothing."""
    text = fold(plain(q[:400]))
    terms = tuple(_term(run) for run in dict.fromkeys(RUNS.findall(text)))[:_MOST_TERMS]
    readings = [terms] if terms else []
    joined = phone_digits(text)
    if joined and len(terms) > 1:
        # `138 0013 8000` is one number in pieces; `2024 5000` may as well be two words.
        readings.append((_term(joined),))
    return SearchQuery(tuple(readings))


def _term(run: str) -> Term:
    if is_cjk(run):
        if len(run) == 1:
            return Term(((Probe(run, prefix=True),),))
        pairs = tuple(dict.fromkeys(run[at : at + 2] for at in range(len(run) - 1)))
        return Term((tuple(map(Probe, pairs)),), run if len(run) >= _LIKE_FROM else None)
    word = run[:LONGEST_TOKEN]
    alternatives = [(Probe(word, prefix=True),)]
    if word.isascii() and word.isalpha():
        alternatives.append((Probe("~" + word, prefix=True),))
    if word.isascii() and word.isdigit() and len(word) >= _TAIL:
        alternatives.append((Probe("<" + word[::-1], prefix=True),))
    return Term(tuple(alternatives))
