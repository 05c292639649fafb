"""Pictures -> weights."""
