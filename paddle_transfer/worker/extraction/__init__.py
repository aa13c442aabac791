"""Classifiers on features that a network has computed once, in the place of a training."""
