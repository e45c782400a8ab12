"""Nouns and rules of the city's cloud: frozen values, no input or output."""
