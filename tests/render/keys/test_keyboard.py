import os
import pty
import termios
import threading

import pytest

from scrapepool.fallbacks import take_keys
from scrapepool.render.keys import keyboard as keyboard_module
from scrapepool.render.keys.keyboard import Keyboard, keyboard


@pytest.fixture
def terminal():
    """A terminal, and the end at which keys are pressed."""
    pressing, fd = pty.openpty()
    yield fd, pressing
    os.close(pressing)
    os.close(fd)


def test_keys_arrive_until_the_terminal_is_released(terminal):
    """``release`` restores the mode, also in the middle; ``take`` allows the keys again; the end restores it, too."""
    fd, pressing = terminal
    before, keys, arrived = termios.tcgetattr(fd), [], threading.Event()

    def press(key):
        keys.append(key)
        arrived.set()

    def await_key(key):
        while key not in keys:
            assert arrived.wait(20)
            arrived.clear()

    board = Keyboard(os.dup(fd), press)
    with board:
        os.write(pressing, b"a\n")  # may still be a line of the shell's mode
        await_key("a")
        assert termios.tcgetattr(fd) != before
        os.write(pressing, b"\x1b")
        await_key("escape")
        board.release()
        assert termios.tcgetattr(fd) == before
        board.take()
        os.write(pressing, b"z\n")
        await_key("z")
    assert termios.tcgetattr(fd) == before
    board._thread.join(20)
    assert not board._thread.is_alive()


def test_a_terminal_that_goes_away_ends_the_thread():
    """No error is raised."""
    pressing, fd = pty.openpty()
    with Keyboard(fd, lambda key: None) as board:
        os.close(pressing)
        board._thread.join(20)
        assert not board._thread.is_alive()


def test_there_is_no_keyboard(tmp_path, monkeypatch):
    """Standard error is no terminal of this session, or the system has no terminal modes."""
    with (tmp_path / "err").open("w") as file:
        assert keyboard(file.fileno(), print) is None
        with pytest.raises(OSError, match="ioctl"):
            take_keys(file.fileno())
    monkeypatch.setattr(keyboard_module, "has_terminal_modes", lambda: False)
    assert keyboard(2, print) is None
