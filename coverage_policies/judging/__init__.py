"""From orders and a chart to determinations."""
