"""Bytes in: how input is read, decompressed, cut into lines and kept for a second look."""
