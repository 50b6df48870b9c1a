"""Applications of awkward patterns, each of which somebody's real application has. They are run annotated, configured and bare."""
