"""Features of images: computed once by a network, and kept on disk for all trainings."""
