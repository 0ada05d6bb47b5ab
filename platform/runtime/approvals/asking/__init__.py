"""Asking for an approval: by somebody, by the run of a workflow, and what would come of it."""
