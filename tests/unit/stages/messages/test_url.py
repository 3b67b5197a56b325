import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtesy.stages.messages.url import runs_script, web_address


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("https://shop.example/a?b[0]=c:2#d", "https://shop.example/a?b[0]=c:2#d"),
        ("https://grün.example/söhne?n=ü", "https://xn--grn-ioa.example/s%C3%B6hne?n=%C3%BC"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://日本語。jp/", "https://xn--wgv71a119e.jp/"),
        ("https://shop.example/x?a=1\n &b=2", "https://shop.example/x?a=1%20&b=2"),
        ("ht\ntps://sh\top.exam\r\nple/", "https://shop.example/"),
        (" \x01https://shop.example/a \n", "https://shop.example/a"),
        ("HTTPS://Shop.Example/UPPER", "https://shop.example/UPPER"),
        ("https:shop.example", "https://shop.example/"),
        ("https:\\\\shop.example\\a", "https://shop.example/a"),
        ("https://shop.example/caf%C3%E9?x=100%25", "https://shop.example/caf%C3%E9?x=100%25"),
        ("https://shop.example/a b#ü ü", "https://shop.example/a%20b#%C3%BC%20%C3%BC"),
        ("https://shop.example/🎁", "https://shop.example/%F0%9F%8E%81"),
        ("https://shop.example/?q='\"<>", "https://shop.example/?q=%27%22%3C%3E"),
        ("http://shop.example:80/", "http://shop.example/"),
        ("https://shop.example", "https://shop.example"),
        ("https://a b.example/", None),
        ("https://", None),
        ("mailto:help@brand.example", None),
        ("tel:+4930123", None),
        ("sms:+4930123", None),
        ("brandapp://offers/1", None),
        ("javascript:alert(1)", None),
        ("//shop.example/a", None),
        ("/a", None),
        ("", None),
    ],
)
def test_addresses_are_read_as_browsers_read_them(written: str, address: str | None) -> None:
    assert web_address(written) == address


@given(st.text(st.characters()).map("https://shop.example/".__add__) | st.text(st.characters()))
def test_an_address_can_stand_in_a_header_and_is_read_the_same_again(written: str) -> None:
    address = web_address(written)
    if address is not None:
        assert address.isascii()
        assert address.isprintable()
        assert " " not in address
        assert web_address(address) == address


@pytest.mark.parametrize(
    ("written", "runs"),
    [
        ("javascript:alert(1)", True),
        ("java\nscript:alert(1)", True),
        ("\x01 J\tavaScript\r:alert(1)", True),
        ("vbscript:x", True),
        ("data:text/html,x", True),
        ("https://shop.example/javascript:x", False),
        ("mailto:data@brand.example", False),
    ],
)
def test_what_runs_as_script(written: str, runs: bool) -> None:  # noqa: FBT001 - a case
    assert runs_script(written) is runs
