"""Scripts behind the figures of the README: each measures or trains, and prints what it found."""
