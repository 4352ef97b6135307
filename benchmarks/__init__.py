"""Scripts behind the figures of README and docs: each measures or trains, and prints what it found."""
