"""What pip reads, behind the cache: pages of links whose files are behind it too. A layout in,
lines of nginx's configuration out.

A page is asked for in one of two forms, whatever a client says that it takes: PEP 691 for those
that name it, else HTML. Links that lead to the site itself, or to PyTorch's own servers, are made
relative by the adapter, which serves both ways and a cache behind another name; relative ones are
right as they are. Links to other hosts stay, and lead past the cache.
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
    """For the whole configuration: the form of a page, and the path that a mirror is sent."""
    yield "# A page of links: as JSON or as HTML."
    json = "application/vnd[.]pypi[.]simple[.]v1[+]json"
    yield f'map $http_accept $form {{ "~{json}" json; default html; }}'
    yield f"map $form $accept {{ json '{_JSON}, text/html;q=0.1'; default text/html; }}"
    yield "# A plus sign, which some servers take for a space."
    yield 'map $rest $sent { "~^(?<left>[^+]*)[+](?<right>[^+]*)$" $left%2B$right; default $rest; }'


def negotiated(key: str) -> tuple[str, ...]:
    """For a place of pages: one form is kept apart from the other."""
    return f"proxy_cache_key {key}$form;", "proxy_set_header Accept $accept;"


def relative(trees: Mapping[str, str]) -> Iterator[str]:
    """For an adapter: the links of its pages. `trees` are URLs at the site by `PYPI` or `WHL`."""
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
