"""How states, kinds of steps and triggers are called and look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blueprints.app.reading import Reader
from blueprints.texts import Words

STATES = ("running", "waiting", "done", "failed", "cancelled", "stopped")
_STATES: Mapping[str, tuple[str, str]] = {
    "running": ("player-play", "blue"),
    "waiting": ("hourglass", "amber"),
    "done": ("circle-check", "green"),
    "failed": ("alert-triangle", "red"),
    "cancelled": ("circle-x", "gray"),
    "stopped": ("player-stop", "gray"),
    "skipped": ("arrow-forward-up", "gray"),
    "pending": ("circle-dashed", "gray"),
}
_STEPS: Mapping[str, tuple[str, str]] = {
    "choice": ("git-branch", "amber"),
    "parallel": ("arrows-split", "indigo"),
    "each": ("repeat", "indigo"),
    "find": ("search", "teal"),
    "with": ("link", "teal"),
    "wait": ("clock", "gray"),
    "task": ("checkbox", "orange"),
    "approval": ("user-check", "purple"),
    "create": ("plus", "green"),
    "update": ("pencil", "blue"),
    "delete": ("trash", "red"),
    "assign": ("user-share", "blue"),
    "send": ("send", "cyan"),
    "call": ("world", "cyan"),
    "run": ("arrow-right", "indigo"),
    "try": ("shield", "gray"),
    "stop": ("player-stop", "gray"),
}


@dataclass(frozen=True, slots=True)
class State:
    """A state of a run or a step as a badge."""

    key: str
    label: str
    icon: str
    tint: str


def state_of(words: Words, key: str) -> State:
    icon, tint = _STATES.get(key, ("circle-dashed", "gray"))
    return State(key, words(f"process_state_{key}") if key in _STATES else key, icon, tint)


def step_look(kind: str) -> tuple[str, str]:
    """Icon and colour of a kind of step."""
    return _STEPS.get(kind, ("circle", "gray"))


def moment(reader: Reader, iso: str) -> str:
    """A moment in the person's zone: today's by its time."""
    at = reader.moment(iso)
    today = reader.moment(reader.ws.now.isoformat()).date()
    return at.strftime("%H:%M:%S" if at.date() == today else "%Y-%m-%d %H:%M")


def span(words: Words, seconds: float) -> str:
    """A length of time in its two largest units; empty below a second."""
    left = int(seconds)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(words(f"process_span_{unit}", n=count))
    return " ".join(parts[:2])
