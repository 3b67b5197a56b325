"""The stages, from events to lift; each imports only earlier ones."""
