"""Parsing one HTML tag. Loaded for pages whose tags are not written as those of most indexes."""

from __future__ import annotations

from html.parser import HTMLParser


class TagParser(HTMLParser):
    """A parser for one tag and its attributes, with entities resolved; of duplicates the first
    counts."""

    def __init__(self) -> None:
        super().__init__()
        self.name = ""
        self.found: dict[str, str] = {}

    def read(self, tag: str) -> tuple[str, dict[str, str]]:
        """The name and the attributes of a tag; "" and none if it is not one."""
        self.reset()
        self.name, self.found = "", {}
        self.feed(tag)
        return self.name, self.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep both, as the parser's method of this name is told them."""
        self.name = tag
        for name, value in reversed(attrs):
            self.found[name] = value or ""
