"""Recordings to signals, images, stores, trained runs and tables of counts."""
