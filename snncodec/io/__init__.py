"""Which files, which pixels: atomic writing, picture files, layouts of stereo datasets."""
