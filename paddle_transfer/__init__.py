"""paddle_transfer: transfer learning searches for PaddleClas.

Importing this package imports none of paddle, ppcls, skopt, sklearn, optuna, visualdl or ray:
they are imported where they are used, so that help texts, previews and error messages come at once.
"""

__version__ = "0.1.0"
