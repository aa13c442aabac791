"""The Gaussian process sampler."""
