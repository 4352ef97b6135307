"""Stores + options → a run."""
