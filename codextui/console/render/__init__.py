"""Renders the console's model. No I/O.

Functions named `render_…` return Textual strips; functions named `…_rows` return `Row`s.
"""
