"""Fusions whose branches are runs: checked against each other, copied, fitted."""
