"""Checkers of the exercises: one module per lesson, each function prints "✓ …", "✗ …" or "not done yet"."""
