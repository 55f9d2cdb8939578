"""A report in its forms: a page for a terminal, Markdown and HTML.

``overview_tables`` and ``list_tables`` say as tables what the figures of ``scrapepool.report.figures`` mean; each form
draws these tables. All text in a table is raw, and each form makes it safe.
"""
