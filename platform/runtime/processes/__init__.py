"""Workflows at work: what saves start, what runs do and wait for, and what people are told of it."""
