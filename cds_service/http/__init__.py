"""The HTTP side of the service: Flask blueprints and what they need. Nothing here judges an order."""
