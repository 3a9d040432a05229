"""Requests and answers: the application and its routes, tokens, limits, faults, the log and the page."""
