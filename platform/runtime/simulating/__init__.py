"""A changed rule, workflow or approval asked of the past: what would have differed. It writes nothing."""
