"""The API of burgerzaken: its bodies, what all zaken have in common (``viewsets``), and an annotated view for each step (``views``).

``burgerzaken.urls`` imports the views. Imports the models, and what is beside this package; nothing there imports it.
"""
