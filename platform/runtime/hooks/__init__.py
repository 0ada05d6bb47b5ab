"""Webhooks: other systems are told of what happens here, and tell us of what happened there."""
