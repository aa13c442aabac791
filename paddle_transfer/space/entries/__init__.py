"""The hyperparameters of this package, one file for each kind; ``space/registry.py`` lists them."""
