"""Damage, hostile files, kills and faults of the machine, by the hundred, and what the program answers to each."""
