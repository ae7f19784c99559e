"""The sandbox: a small EHR in the browser for those who integrate or judge the service."""
