"""Turn determinations into CDS Hooks cards: the words, the Markdown, and the card format. Nothing here decides."""
