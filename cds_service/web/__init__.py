"""Pages for browsers: plain HTML that works without scripts and loads nothing from elsewhere."""
