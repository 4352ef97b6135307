"""The folder of one trained model."""
