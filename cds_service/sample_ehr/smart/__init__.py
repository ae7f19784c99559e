"""SMART App Launch 2.2 for the sample EHR: launches, authorization, tokens, and what a token may do.

Everything is in memory. Nobody signs in: whoever reaches the server acts as a sample physician.
"""
