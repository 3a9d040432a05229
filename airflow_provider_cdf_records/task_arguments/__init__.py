"""The arguments of operators and sensors: literals, templates and references, read in one manner."""
