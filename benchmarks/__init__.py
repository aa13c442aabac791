"""Evidence: searches replayed on recorded full grids, beside what others do.

The replays go through the very sampler and stop rule of real searches; only the executor is a
table. This room is no part of a search, and the one place beside ``samplers/`` and
``study/`` that imports skopt and Optuna: as peers to compare with.
"""
