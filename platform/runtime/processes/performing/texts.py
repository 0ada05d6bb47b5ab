"""Texts with holes that a run says to somebody: in every language, blank where he may not read what is in a hole."""

from __future__ import annotations

from dataclasses import replace

from metadata.access import Actor, rights
from metadata.problems import Label, Unauthenticated
from runtime.processes.performing.moving import Moving
from runtime.records.checking.messages import Messages
from runtime.records.drafts import Draft
from runtime.workspace import AsUser, Workspace, as_user


def said(moving: Moving, text: Label, entity: str, record: str | None, reader: str | None) -> Label:
    """A text about a record as a person may read it; for nobody in particular (None), as the run itself may."""
    ws, of = moving.ws, moving.ws.model.entity(entity)
    draft, plan = moving.world.draft(entity, record), moving.world.plan(entity)
    if of is None or draft is None or plan is None:
        return {lang: _bare(each) for lang, each in text.items()}
    actor = moving.acts.actor if reader is None else actor_of(ws, reader)
    if actor is None:
        return {lang: _bare(each) for lang, each in text.items()}
    seen = replace(ws, actor=actor)
    messages = Messages(seen, plan, rights(ws.model, actor, of))
    about = Draft(draft.id, draft.values, draft.values)
    return messages.text(text, about)


def actor_of(ws: Workspace, user: str) -> Actor | None:
    """A person with his rights; None for one who is no longer here."""
    try:
        return as_user(ws, AsUser(user)).actor
    except Unauthenticated:
        return None


def language_of(moving: Moving, user: str) -> str:
    actor = actor_of(moving.ws, user)
    return "en" if actor is None else actor.language


def _bare(text: str) -> str:
    """A text of which no hole can be filled."""
    return text.replace("{{", "{").replace("}}", "}")
