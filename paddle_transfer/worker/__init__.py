"""Inside a trial's process: PaddleClas's engine, its loops, weights and metrics.

Modules that import paddle or ppcls at their top are imported through ``bootstrap`` only.
"""
