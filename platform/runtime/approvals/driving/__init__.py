"""Transitions carried out: decided by the engine, written, told, timed."""
