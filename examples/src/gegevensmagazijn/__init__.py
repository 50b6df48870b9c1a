"""A gegevensmagazijn: keeps the persons of a municipality and delivers them to its applications."""
