"""Run + store → scores."""
