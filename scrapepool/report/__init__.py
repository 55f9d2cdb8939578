"""The figures of a report: what many records say together. Reads no files and draws nothing.

``aggregate`` takes records one by one in bounded memory; ``figures`` says what they add up to, as JSON values.
"""
