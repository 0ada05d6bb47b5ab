"""What a save finds wrong and what it makes of the sent values, before anything is written."""
