"""Doors to the outside: requests to other systems and mail. They know no database and no tenant."""
