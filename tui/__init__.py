"""The terminal app: screens, widgets and what they show. Talks to an ``Assistant``; nothing below knows of it."""
