"""The secret of a class is the same, however an editor has saved it."""
from helpers.homework.secret import BadSecret, make_secret, read_secret

import pytest

SECRET = "the secret of our class, 我们班的"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["", "\n", " \r\n\r\n"])
def test_it_is_the_same_in_each_encoding(tmp_path, encoding, end):
    (tmp_path / "secret").write_bytes((SECRET + end).encode(encoding))
    assert read_secret(tmp_path / "secret") == SECRET.encode()


def test_it_is_read_as_it_was_made(tmp_path):
    assert make_secret(tmp_path / "secret") and not make_secret(tmp_path / "secret")
    assert read_secret(tmp_path / "secret") == (tmp_path / "secret").read_bytes().strip()


@pytest.mark.parametrize("data", [SECRET.encode("utf-16-le"), SECRET.encode("utf-16") + b"!", b"a" * 20 + b"\0"])
def test_what_is_no_text_is_refused(tmp_path, data):
    (tmp_path / "secret").write_bytes(data)
    with pytest.raises(BadSecret, match="secret is no text: save it as UTF-8"):
        read_secret(tmp_path / "secret")
