"""Generates the pages and figures of the documentation site."""
