"""The operators of the policy format, one file each; `coverage_policies.format.registry` finds them."""
