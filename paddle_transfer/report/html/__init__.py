"""``report.html``: a whole search in one file that needs no network."""
