"""What the commands print, for people who read a terminal."""
