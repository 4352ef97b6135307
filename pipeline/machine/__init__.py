"""This computer: devices, memory, threads, locks, files and bars."""
