"""The same URLs as a list of each format, compressed and not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest


def lists_of(urls: list[str], folder: Path) -> list[Path]:
    """Write them; the files."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    escaped = [url.replace("&", "&amp;") for url in urls]
    contents = {
        "urls.txt": "\n".join(urls),
        "urls.csv": "url,n\n" + "\n".join(f'"{url}",{n}' for n, url in enumerate(urls)),
        "urls.tsv": "url\tn\n" + "\n".join(f"{url}\t{n}" for n, url in enumerate(urls)),
        "urls.jsonl": "\n".join(json.dumps({"url": url, "n": n}) for n, url in enumerate(urls)),
        "sitemap.xml": f"<urlset>{''.join(f'<url><loc>{url}</loc></url>' for url in escaped)}</urlset>",
        "feed.rss": f"<rss><channel>{''.join(f'<item><link>{url}</link></item>' for url in escaped)}</channel></rss>",
        "feed.atom": "<feed>" + "".join(f'<entry><link href="{url}"/></entry>' for url in escaped) + "</feed>",
        "page.html": "".join(f'<a href="{url}">x</a>' for url in escaped),
    }
    for name, content in contents.items():
        (folder / name).write_text(content)
    paths = [folder / name for name in contents]
    paths.append(folder / "urls.parquet")
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table({"url": urls}), paths[-1], row_group_size=64)
    for path in list(paths):
        paths.append(path.with_name(path.name + ".gz"))
        paths[-1].write_bytes(gzip.compress(path.read_bytes()))
    return paths
