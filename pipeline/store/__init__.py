"""The HDF5 file of one partition: planned, written so that a kill spoils nothing, read, checked and exported."""
