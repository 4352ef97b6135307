"""Recording files as they are written by machines and archives."""
