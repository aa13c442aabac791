"""Which running trials are hopeless: our own pruner behind the protocol of ``prune.base``. Optuna's are in ``study``."""
