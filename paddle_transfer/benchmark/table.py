"""Recorded full grids, as ``suggest.tables`` reads them: a search may begin with one, too."""

from paddle_transfer.suggest.tables import FIXED, REACH, Table, cell_value, load_table, save_table

__all__ = ["FIXED", "REACH", "Table", "cell_value", "load_table", "save_table"]
