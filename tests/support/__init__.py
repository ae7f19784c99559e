"""What tests share: builders, fakes, and servers on this machine."""
