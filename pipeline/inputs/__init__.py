"""What a network sees of a store, batch by batch."""
