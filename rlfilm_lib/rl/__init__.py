"""The framework-free half of every algorithm, in NumPy."""
