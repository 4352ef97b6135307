"""What a reader sees: tables; nothing is computed here."""
