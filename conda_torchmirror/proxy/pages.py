"""nginx's directives for the pages that pip reads, so that the linked files come from the cache.

A page is requested in one of two formats: PEP 691 for clients that name it, else HTML. The adapter
makes links to the site itself or to PyTorch's own servers relative, so that one page fits both ways
and any name of the cache; relative links fit already. Links to other hosts stay, and bypass the
cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from ..mirrors.registry import official_wheel_hosts
from ..mirrors.urls import WHEELS
from .layout import PYPI

_JSON = "application/vnd.pypi.simple.v1+json"
#: From a page, `simple/<project>/` or `<variant>/<project>/`, to the root of its tree.
_UP = "../../"


def maps() -> Iterator[str]:
    """Maps for the http block: the format of a page, and the path that is sent to a mirror."""
    yield "# A page of links: as JSON or as HTML."
    json = "application/vnd[.]pypi[.]simple[.]v1[+]json"
    yield f'map $http_accept $form {{ "~{json}" json; default html; }}'
    yield f"map $form $accept {{ json '{_JSON}, text/html;q=0.1'; default text/html; }}"
    yield "# A plus sign, which some servers take for a space."
    yield 'map $rest $sent { "~^(?<left>[^+]*)[+](?<right>[^+]*)$" $left%2B$right; default $rest; }'


def negotiated(key: str) -> tuple[str, ...]:
    """Directives for a location of pages, which caches each format under a key of its own."""
    return f"proxy_cache_key {key}$form;", "proxy_set_header Accept $accept;"


def relative(trees: Mapping[str, str]) -> Iterator[str]:
    """Directives for an adapter that make links relative. `trees`: URLs by `PYPI` or `WHL`."""
    if not trees:
        return
    yield f"sub_filter_types {_JSON} application/vnd.pypi.simple.v1+html;"
    yield "sub_filter_once off;"
    yield "sub_filter_last_modified on;"
    found: dict[str, str] = {}
    for tree, url in trees.items():
        path = urlsplit(url).path
        if tree == PYPI:
            found[f"{url}/packages/"] = f"{_UP}packages/"
            found[f'"{path}/packages/'] = f'"{_UP}packages/'
            continue
        found[f"{url}/"] = _UP
        official = urlsplit(WHEELS).path
        for host in sorted(official_wheel_hosts()):
            found[f"https://{host}{official}/"] = _UP
        found |= {f'"{one}/': f'"{_UP}' for one in (path, official) if one}
    for link, instead in found.items():
        yield f"sub_filter '{link}' '{instead}';"
