"""What the commands share: the parser, and the options that say how images are made. It knows no torch."""
