"""What other systems send: webhooks that come in."""
