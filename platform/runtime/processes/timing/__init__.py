"""Workflows that time starts: dates of records that are reached, and schedules."""
