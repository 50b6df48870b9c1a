"""The reference information system at work: ``python -m demo`` runs the standard's cases on it and checks the log."""
