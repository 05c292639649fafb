"""Measuring whole files against other formats."""
