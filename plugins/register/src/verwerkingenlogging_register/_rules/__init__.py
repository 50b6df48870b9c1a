"""What the organisation asks of an actie, whoever offers it: terms, the window of tijdstip, where no BSN belongs, what an answer hides.

`acceptance`, `terms`, `masks`, `bsn_places`.
Imports the settings and below.
"""
