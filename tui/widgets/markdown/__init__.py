"""Markdown that grows while it is read, as lines of one widget.

Textual's own Markdown is a widget for every paragraph, bullet and cell: with a list of sixty items a frame cost 56 ms
(measured, two cores, 80 x 24), most of it layout. Here a frame parses and wraps the last block only.
"""
