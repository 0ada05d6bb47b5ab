"""Approvals: who decides, and what follows from what they decide. Pure."""
