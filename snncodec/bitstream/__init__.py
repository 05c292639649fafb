"""Which bytes: the container, the range coder, displacement fields and skip flags. Nothing here imports torch."""
