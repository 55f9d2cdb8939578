"""Stage 2, which target next and when: values in, decisions out, no input or output of its own."""
