"""The HTTP side of the service: Flask blueprints and their support. No module here evaluates orders."""
