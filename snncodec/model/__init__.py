"""Which networks: the lapped transform, spiking networks and the entropy model that make up a `StereoCodec`."""
