"""Searches in steps: PaddleClas's greedy search, its teacher and the distillation."""
