"""Who proposes the next points of a search: one sampler a file, one registry."""
