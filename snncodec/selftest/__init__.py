"""Does this machine decode as all others do? `python -m snncodec.selftest` decodes golden files in many ways."""
