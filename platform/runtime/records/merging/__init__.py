"""Several records made one: what survives of their values, what pointed at them, and where they are found since."""
