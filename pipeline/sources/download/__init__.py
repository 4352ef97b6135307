"""Data sets from their servers: fetched, checked, gone on with."""
