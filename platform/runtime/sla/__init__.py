"""The clocks of SLAs: they move with every save of a record, and in time by themselves."""
