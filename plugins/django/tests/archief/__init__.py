"""An application whose admin is made with packages that people add to it."""
