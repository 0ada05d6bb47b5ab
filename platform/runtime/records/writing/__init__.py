"""What a save or a deletion does to the tables, once everything about it is known to be right."""
