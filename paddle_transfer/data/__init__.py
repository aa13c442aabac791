"""Data sets: public ones, one's own folder or table, and the check that lists and images are right before training.

Shares only ``config`` and ``errors`` with the rest, and ``pretrained``'s way to fetch; numpy, scipy, cv2 and Pillow are imported when they are used.
"""
