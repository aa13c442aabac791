"""The plots of the report: each a pure function of plain data.

``words`` gives the text of a key (``texts/en.yaml``): in one language, or a mark that the page
replaces when its language is switched. Colours are legible on white and on the dark background.
"""
