"""The groups of settings about what a run writes. Their defaults are here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..errors import require
from ..frozen import frozen
from ..named_tuple import NamedTuple

if TYPE_CHECKING:
    from ..expectation import Expectation
    from ..selection import Selection

RecordFormat = Literal["jsonl", "csv", "tsv"]


class Needs(NamedTuple):
    """What outputs want of the transport beyond what every outcome tells.

    body: the decoded body's bytes. headers: the response's fields. sha256: the body's digest. tls: the TLS facts.
    """

    body: bool
    headers: bool
    sha256: bool
    tls: bool


@frozen
class OutputSettings:
    """Where records go and what they hold. ``scrapepool.fetch`` yields outcomes and takes only some of these.

    path: file of the records, or URL of an object; a folder of parts if it ends with a slash; ``-`` for standard
        output. None: standard output, unless another output holds them.
    format: of the records; ``parquet`` for parts only. None: by the file's suffix.
    part_size: bytes of a part after which the next one is begun.
    fields: names of the records' fields; if the first begins with ``+``, they are added to all others. None: all.
        ``scrapepool.fetch`` takes only ``("+tls",)``, with which outcomes have ``tls``.
    headers: whether records hold the response's header fields.
    body: whether records hold the text of the body, and outcomes the body.
    history: whether records say what the target waited for, and tell of each attempt.
    resume: ``failed`` goes on with the records in the file and fetches again what did not succeed; names of errors and
        groups of them (``timeout,http_5xx``) only these; ``all`` only what has no final record. None: the file is
        overwritten.
    fsync: when records are flushed to the disk.
    safe_csv: whether cells that a spreadsheet would run as a formula become text, which changes values.
    csv_bom: whether CSV and TSV begin with a byte order mark.
    select: values out of pages, as ``title=css:title``.
    expect: what a response must be to be a success, as ``type:image/*``; the error is ``unexpected`` otherwise.
    links: whether the links of pages are taken out.
    text: whether the readable text of pages is taken out.
    extract_workers: processes that take values out of pages; 0 for the run's own. None: one per core.
    sqlite: database that gathers records, and bodies with ``body``.
    sqlite_timeout: seconds that another program may hold the database.
    template: the line per outcome on standard output, in the place of records.
    parquet: file that the records become at the end of a run.
    ordered: whether records are written in the order of the lists.
    lists: whether records name the list of their target.
    compared: whether records say what changed since earlier ones.
    """

    path: str | None = None
    format: RecordFormat | Literal["parquet"] | None = None
    part_size: int = 128 * 1024 * 1024
    fields: tuple[str, ...] | None = None
    headers: bool = False
    body: bool = False
    history: bool = False
    resume: str | None = None
    fsync: Literal["never", "second", "always"] = "second"
    safe_csv: bool = False
    csv_bom: bool = False
    select: tuple[str, ...] = ()
    expect: tuple[str, ...] = ()
    links: bool = False
    text: bool = False
    extract_workers: int | None = None
    sqlite: str | None = None
    sqlite_timeout: float = 30.0
    template: str | None = None
    parquet: str | None = None
    ordered: bool = False
    lists: bool = False
    compared: bool = False

    def __post_init__(self) -> None:
        require(
            self.extract_workers is None or self.extract_workers >= 0, "output.extract_workers must not be negative"
        )
        _ = self.data  # that can all be meant
        require(
            self.parquet is None or self.file is None or (self.format in (None, "jsonl") and self.has_all_fields),
            "output.parquet is made from the records in output.path, so these must be JSON Lines with all fields",
        )
        require(
            self.parquet is None or not self.in_parts,
            "output.path {} is a folder of parts, which output.parquet cannot be made of; with output.format parquet, "
            "each part is a Parquet file",
            self.path,
        )
        require(
            self.format != "parquet" or self.in_parts,
            "output.format parquet needs a folder of parts, which is an output.path that ends with a slash; "
            "output.parquet is for one file",
        )
        require(self.format != "parquet" or self.has_all_fields, "output.fields cannot choose the columns of Parquet")
        require(self.part_size >= 1, "output.part_size must be at least 1 byte")
        require(
            "-" not in (self.sqlite, self.parquet), "output.sqlite and output.parquet need a file; - is standard output"
        )
        require(
            self.template is None or self.path != "-",
            "output.template writes to standard output, and so does output.path -",
        )
        require(
            self.to_stdout or self.path is not None or (self.format is None and self.has_all_fields),
            "output.format and output.fields need output.path: output.template, output.sqlite and output.parquet do "
            "not use them",
        )

    @property
    def selections(self) -> tuple[Selection, ...]:
        """``select``, taken apart."""
        if not self.select:
            return ()
        from ..selection import parsed  # noqa: PLC0415 - rarely needed

        return tuple(map(parsed, self.select))

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        """``expect``, taken apart."""
        if not self.expect:
            return ()
        from ..expectation import parsed  # noqa: PLC0415 - rarely needed

        return tuple(map(parsed, self.expect))

    @property
    def has_all_fields(self) -> bool:
        """Whether records have all fields, and perhaps some that ``fields`` adds."""
        return self.fields is None or (self.fields != () and self.fields[0].startswith("+"))

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The names in ``fields``, each once, without the ``+``."""
        return tuple(dict.fromkeys(name.removeprefix("+") for name in self.fields or () if name != "+"))

    @property
    def tls(self) -> bool:
        """Whether records have TLS facts: only if ``fields`` names them."""
        return any(name.partition(".")[0] == "tls" for name in self.named_fields)

    @property
    def wants_data(self) -> bool:
        """Whether anything is taken out of pages."""
        return bool(self.select) or self.links or self.text

    @property
    def data(self) -> tuple[str, ...]:
        """The keys of a record's ``data``, in order; none where nothing is taken out of pages."""
        if not self.wants_data:
            return ()
        from ..selection import keys  # noqa: PLC0415 - rarely needed

        return keys(self.selections, links=self.links, text=self.text)

    @property
    def journal(self) -> str | None:
        """The file or database whose records a run goes on with; None where there is none."""
        return self.file or self.parquet or self.sqlite

    @property
    def to_stdout(self) -> bool:
        """Whether records go to standard output."""
        return self.path == "-" or (self.path is None and not self.tables and self.template is None)

    @property
    def uses_stdout(self) -> bool:
        """Whether anything goes to standard output."""
        return self.to_stdout or self.template is not None

    @property
    def tables(self) -> bool:
        """Whether an output beside the records' own holds all of them."""
        return self.sqlite is not None or self.parquet is not None

    @property
    def file(self) -> str | None:
        """The file that records go to, None where they go to standard output or only into tables."""
        return None if self.path == "-" else self.path

    @property
    def in_parts(self) -> bool:
        """Whether the records go into a folder of parts."""
        return self.path is not None and self.path.endswith("/")

    @property
    def needs(self) -> Needs:
        """What these outputs, all together, want of the transport: the one place that knows it."""
        # A digest that no record holds is not worth half the time that a large body takes.
        return Needs(
            body=self.body or self.wants_data or any(one.needs_body for one in self.expectations),
            headers=self.headers,
            sha256=self.tables
            or self.compared
            or self.has_all_fields
            or "sha256" in self.named_fields
            or "{sha256" in (self.template or ""),
            tls=self.tls or "{tls" in (self.template or ""),
        )


Packing = Literal["gz", "zst"]


@frozen
class FileSettings:
    """Bodies as files.

    save_dir: folder of the files. None: bodies do not become files.
    name_template: their names in the folder. None: a readable name that no two URLs share.
    compress: how each file is compressed. None: not at all.
    dedupe_bodies: whether equal bodies are hard links to one file.
    """

    save_dir: str | None = None
    name_template: str | None = None
    compress: Packing | None = None
    dedupe_bodies: bool = False

    def __post_init__(self) -> None:
        require(
            self.save_dir is not None or not (self.name_template or self.compress or self.dedupe_bodies),
            "files.name_template, files.compress and files.dedupe_bodies need files.save_dir",
        )
        require(self.save_dir != "", "files.save_dir needs a folder")

    @property
    def needs_headers(self) -> bool:
        """Whether names go by header fields of responses."""
        return "{disposition" in (self.name_template or "")

    @property
    def needs_body(self) -> bool:
        """Whether names go by what is in a body."""
        return "{title" in (self.name_template or "")

    @property
    def needs_digest(self) -> bool:
        """Whether names or comparisons go by the digests of bodies."""
        return self.dedupe_bodies or "sha256" in (self.name_template or "")


@frozen
class WarcSettings:
    """Where requests and responses are archived as they were sent and received.

    path: the first file, which ends in ``.warc.gz`` or, uncompressed, ``.warc``. None: no archive.
    size: bytes of a file after which another one is begun.
    overwrite: whether an archive of this name is replaced.
    dedup: earlier archives or their indexes, as files, folders or patterns; a body that they have is not archived
        again.
    cdx: whether each file gets an index beside it.
    """

    path: str | None = None
    size: int = 1_000_000_000
    overwrite: bool = False
    dedup: tuple[str, ...] = ()
    cdx: bool = False

    def __post_init__(self) -> None:
        require(
            self.path is None or self.path.lower().endswith((".warc", ".warc.gz")),
            "warc.path {}: the name must end in {}",
            self.path,
            ".warc.gz or .warc",  # which in the message would be a setting
        )
        require(self.size >= 1, "warc.size must be at least 1 byte")
