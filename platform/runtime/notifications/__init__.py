"""What people are told of, by the ways that they chose: in the app, by mail, and not in their quiet hours."""

from runtime.notifications.kinds import subject
from runtime.notifications.reading import MOST_UNREAD, Notification, listing, mark_read, unread
from runtime.notifications.saving import follow, settle
from runtime.notifications.telling import tell_assigned, tell_job_over, tell_message

__all__ = [
    "MOST_UNREAD",
    "Notification",
    "follow",
    "listing",
    "mark_read",
    "settle",
    "subject",
    "tell_assigned",
    "tell_job_over",
    "tell_message",
    "unread",
]
