"""report.html: what a run is, what it says and where it errs, in one file that asks nobody for anything."""
