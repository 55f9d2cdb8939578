"""Documents as lists: sitemaps, feeds, HTML pages, Parquet and prose, turned into rows of links."""
