"""Object storage, such as ``s3://``, through fsspec: the only package that imports it.

Lists (``read``), parts (``record``) and readers of records (``cli``) all need it, so that it stands below them. It does
not know what the bytes are.
"""
