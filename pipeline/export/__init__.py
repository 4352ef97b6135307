"""A run as one file that other programs run: millivolts in, probabilities out."""
