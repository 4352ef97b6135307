"""Pure functions of (..., time) in mV and Hz."""
