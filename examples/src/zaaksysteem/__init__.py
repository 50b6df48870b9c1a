"""A zaaksysteem: registers verhuizingen, with data of its own and with that of the gegevensmagazijn."""
