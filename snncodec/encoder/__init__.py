"""Pixels -> bytes. Free to change: whatever it decides, the decoder follows."""
