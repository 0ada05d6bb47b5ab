"""What goes outside: written down with what causes it, sent after the commit, repeated until it has arrived."""

from runtime.deliveries.asking import mail, request, require_small, webhooks
from runtime.deliveries.table import cancel, expire, forget, get, listing, replay, replay_target, revive

__all__ = [
    "cancel",
    "expire",
    "forget",
    "get",
    "listing",
    "mail",
    "replay",
    "replay_target",
    "request",
    "require_small",
    "revive",
    "webhooks",
]
