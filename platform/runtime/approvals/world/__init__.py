"""What the engine asks about the record, the people and the clock."""
