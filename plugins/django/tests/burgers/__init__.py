"""The models of a small application about persons, whose admin is tested."""
