"""The words of a command line that Bash completes, as a shell's words and not as Bash's."""

from __future__ import annotations

from click.shell_completion import BashComplete


class BashWords(BashComplete):
    """Bash makes words of their own of an option, its equals sign and its value; here they are one again."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is completed, and that one."""
        args, incomplete = super().get_completion_args()
        words: list[str] = []
        for word in [*args, incomplete]:
            if words and (word == "=" or (words[-1].startswith("--") and words[-1].endswith("="))):
                words[-1] += word
            else:
                words.append(word)
        return words[:-1], words[-1]
