"""The halves of strategies that run in a trial's process; only here they may import paddle."""
