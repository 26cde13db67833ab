"""Downstream: whether synthetic digits help a classifier that has few real labels."""
