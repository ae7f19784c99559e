"""What the service counts about itself, for Prometheus; nothing of patients, and no label that a call could choose."""
