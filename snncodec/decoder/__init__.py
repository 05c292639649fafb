"""Bytes -> pixels. Nothing here imports the encoder."""
