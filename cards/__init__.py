"""Determinations to CDS Hooks cards. This room knows words, Markdown and the CDS Hooks card; it judges nothing."""
