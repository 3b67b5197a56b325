"""Courtesy: permitted contacts, measured effects, visible use."""
