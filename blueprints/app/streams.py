"""Several runs of things in time merged into one, newest first, by pages: each run goes on from a cursor of its own."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from metadata.problems import BadRequest
from runtime.queries import query as q

Places = Mapping[str, str | None]
"""Where to go on in each run; None: from its beginning. A run that is at its end is not there."""

_LONGEST = 4000


@dataclass(slots=True)
class Run:
    """A page of one source: when each thing happened (None: nothing that this reader is told), newest first."""

    key: str
    times: Sequence[dt.datetime | None]
    cursor: Callable[[int], str]
    """The source's cursor after the thing at a position."""
    start: str | None
    more: bool
    taken: int = 0

    @property
    def head(self) -> dt.datetime | None:
        """When the next thing happened, None when this page of it is used up."""
        while self.taken < len(self.times):
            found = self.times[self.taken]
            if found is not None:
                return found
            self.taken += 1
        return None


def merge(runs: Sequence[Run], most: int) -> tuple[list[tuple[int, int]], Places]:
    """(number of the run, position in it) of the newest things, at most so many, and where all runs go on."""
    found: list[tuple[int, int]] = []
    while len(found) < most:
        heads = [(head, -number) for number, run in enumerate(runs) if (head := run.head) is not None]
        # A run that is used up may go on with something newer than what the others have.
        if not heads or any(run.head is None and run.more for run in runs):
            break
        number = -max(heads)[1]
        found.append((number, runs[number].taken))
        runs[number].taken += 1
    return found, {
        run.key: run.cursor(run.taken - 1) if run.taken else run.start
        for run in runs
        if run.taken < len(run.times) or run.more
    }


def cursor_text(places: Places) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(places)).rstrip(b"=").decode()


def places_of(after: str | None, keys: Sequence[str]) -> Places:
    """What a cursor says of these runs; the beginning of each without one. Raises BadRequest."""
    if after is None:
        return dict.fromkeys(keys)
    try:
        if len(after) > _LONGEST or not after.isascii():
            raise ValueError
        found = orjson.loads(base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True))
        if not isinstance(found, dict) or not all(each is None or isinstance(each, str) for each in found.values()):
            raise ValueError
    except (binascii.Error, ValueError):
        raise BadRequest(q.bad_cursor("after")) from None
    return {key: found[key] for key in keys if key in found}
