"""Pretrained weights: catalogue, download, safe reading, strict loading."""
