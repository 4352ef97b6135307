"""Scores → figures; numpy only, no torch."""
