"""What is asked for: a file that meets a target, or many files at once."""
