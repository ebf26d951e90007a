r"""The configuration of nginx as a cache in front of the mirrors: a layout in, text out.

There are two layers in one process, because `proxy_next_upstream` cannot change the path, the host
or the TLS server name, which differ between mirrors:

    client -> front (cache, one key for all mirrors) -> chain -> adapter of a mirror -> the mirror

An adapter knows one mirror: where each channel is, its certificate, the hosts that it may redirect
to. It turns every response that is not the file into a failure: a page that blocks (403, 429)
becomes a 503, which counts against the mirror, and HTML with status 200 an invalid header. A chain
has one mirror and, as its backup, the chain of the remaining ones, because nginx takes several
`backup` servers in rotation and not in order. A chain answers 404 only if the file is missing, so
that the front can cache that too: by a 404 pip, uv and conda know that they must go on, and not
that something is broken. The front fetches packages in ranges of `SLICE`, one after another, so
that many clients are served while the mirror sends each byte once.

What nginx cannot do, found by trying (1.22, 2026-11-25): it checks no hash, and if a mirror dies
within a range, the client's transfer breaks. The other way (`layout.NEXT`) is for both cases.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..mirrors.urls import UPSTREAM, host_of
from . import pages
from .layout import NEXT, OFFICIAL, PYPI, ROOT, WHL, Channel, Layout, needs_names

#: The size of one request to a mirror: half of what a slow line carries while a client waits for
#: the first byte (60 s for conda).
SLICE = "8m"

#: The allowed path of a file. nginx passes on the path as decoded: with other characters a client
#: could ask a mirror for `%2e%2e/` (sent as %252e), for a query, or with a header of its own.
_FILE = r"[-\w.!+~=@]+(?:/[-\w.!+~=@]+)*"

#: Where channels are below `ROOT`.
_CONDA = ("/cloud", "/pkgs")

#: Responses other than the one asked for, as `status|range asked|range sent|encoding`: the whole
#: file for a later range, another range, a range unasked, a body compressed on the way.
_NOT_IT = (
    r"^200\|bytes=[1-9]",
    r"^206\|bytes=(\d+)-\d*\|(?!bytes \1-)",
    r"^206\|\|",
    r"\|(?:gzip|x-gzip|deflate|br)$",
)

#: Needed for `keepalive`, in each location: one with a `proxy_set_header` of its own inherits none.
_KEPT_OPEN = "proxy_set_header Connection '';"

#: What an adapter makes of a response that is not the file.
_ERRORS = (
    "error_page 301 302 303 307 308 = @follow;",
    "error_page 404 410 = @missing;",
    "error_page 401 403 429 =503 @shut;",
)

#: The answer where the official site says that a file is missing, to the front and to a chain.
_GONE = "if ($http_x_front) { return 404; } return 410;"

#: For servers that ask others here: the timeout is long, because adapters have shorter ones.
_WAITING = ("proxy_read_timeout 30m;", "proxy_buffering on;")

_FAULTS = "error timeout invalid_header http_403 http_404 http_429"
_FAULTS += " http_500 http_502 http_503 http_504"


class Host(NamedTuple):
    """The machine that the cache runs on. nginx writes into `folder` alone; `listen` is the address
    for clients, and `ports` are free ports on loopback, of which it uses the first `ports_of`.
    `resolver` holds addresses of name servers, `ca` the file of trusted certificates. `connect` and
    `read` are timeouts for a mirror in seconds, `read` between two pieces of a response. `size`
    limits the cache, in nginx's notation.
    """

    folder: str
    listen: str
    ports: Sequence[int]
    resolver: Sequence[str] = ()
    ca: str = "/etc/ssl/certs/ca-certificates.crt"
    connect: int = 5
    read: int = 30
    size: str = "200g"


class _Chains:
    """The ports of adapters, one for each site, and of chains, one for each order of several sites:
    those that the front asks (`asked`), and those that remain when the first site has failed."""

    def __init__(self, layout: Layout) -> None:
        orders = [order for c in layout.channels for order in (c.sites, c.sites_next)]
        if layout.has_official:
            orders.append((UPSTREAM,))
        self.asked = list(dict.fromkeys(orders))
        self.sites = list(dict.fromkeys(site for order in orders for site in order))
        self.orders = [order for order in self.asked if len(order) > 1]
        for order in self.orders:  # grows during the loop, for the rest of each rest
            if len(order) > 2 and order[1:] not in self.orders:
                self.orders.append(order[1:])

    @property
    def count(self) -> int:
        """The number of ports needed."""
        return len(self.sites) + len(self.orders)

    def site(self, site: str) -> int:
        """The index of an adapter's port in `Host.ports`."""
        return self.sites.index(site)

    def chain(self, order: tuple[str, ...]) -> int:
        """The index of a chain's port; for a single site that of its adapter's."""
        if len(order) == 1:
            return self.site(order[0])
        return len(self.sites) + self.orders.index(order)

    def name(self, order: tuple[str, ...], *, inside: bool = False) -> str:
        """The name of the `upstream` block by which the front asks a chain or, `inside`, by which
        the chain asks its mirrors."""
        first = "first" if inside else "from"
        return "_".join((first, *(re.sub(r"\W", "_", site) for site in order)))


def ports_of(layout: Layout) -> int:
    """How many ports on loopback a configuration needs."""
    return _Chains(layout).count


def render(layout: Layout, on: Host) -> str:
    """The configuration as text."""
    chains = _Chains(layout)
    lines = [
        *_head(layout, on),
        *_block("http", _http(layout, on, chains)),
    ]
    return "\n".join(lines) + "\n"


def _head(layout: Layout, on: Host) -> Iterator[str]:
    yield "# A cache in front of the mirrors, for nginx 1.18 or newer as distributions"
    yield "# have it. Written by `conda torch-mirror cache --print nginx`."
    yield f"# Start: nginx -c /WHOLE/PATH/OF/THIS_FILE -p {shlex.quote(f'{on.folder}/')}"
    yield "# Stop: the same with -s quit at its end."
    yield "# (/usr/sbin/nginx where that is not on the PATH; to an ordinary user it may"
    yield "# say that it cannot open the system's error log, which does no harm.)"
    yield "# It writes into one folder alone, which must exist (for root, as nobody):"
    yield f"# {on.folder}"
    yield from layout.comment
    yield f"pid {_quoted(on.folder + '/nginx.pid')};"
    yield f"error_log {_quoted(on.folder + '/error.log')};"
    yield "worker_processes auto;"
    yield "events { worker_connections 4096; }"


def _http(layout: Layout, on: Host, chains: _Chains) -> Iterator[str]:
    folder = on.folder
    yield "log_format cache '$remote_addr [$time_iso8601] \"$request\" $status $body_bytes_sent '"
    yield "                 '$upstream_cache_status $upstream_status $request_time';"
    yield f"access_log {_quoted(folder + '/access.log')} cache;"
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        yield f"{kind}_temp_path {_quoted(f'{folder}/{kind}')};"
    yield f"proxy_cache_path {_quoted(folder + '/cache')} levels=1:2 keys_zone=torch:64m"
    yield f"                 max_size={on.size} inactive=400d use_temp_path=off;"
    if on.resolver and needs_names(layout):
        yield f"resolver {' '.join(map(_server, on.resolver))} valid=300s;"
    yield "server_tokens off;"
    yield "sendfile on;"
    yield "default_type application/octet-stream;"
    yield "proxy_http_version 1.1;"
    yield "# What makes an answer one that the next server cannot read, so that it goes on."
    sent = "$upstream_http_content_range|$upstream_http_content_encoding"
    yield from _block(
        f"map $upstream_status|$http_range|{sent} $mixed",
        [*(f'"~{form}" "1\\n:";' for form in _NOT_IT), "default '';"],
    )
    yield "# A page of links is HTML; anything else that is, is a page that blocks."
    yield from _block(
        "map $uri|$upstream_http_content_type $poison",
        ['"~*[^/][|]text/html" "1\\n:";', "default $mixed;"],
    )
    yield from pages.maps()
    yield 'map $upstream_status $shut { "~(403|429|5\\d\\d)" 1; default 0; }'
    yield ""
    yield "# Who has what, on both ways."
    yield from _block("map $way$path $group", _groups(layout, chains))
    for order in chains.asked:
        server = f"server 127.0.0.1:{on.ports[chains.chain(order)]};"
        yield from _block(f"upstream {chains.name(order)}", [server, "keepalive 16;"])
    for order in chains.orders:
        name = chains.name(order, inside=True)
        yield from _block(f"upstream {name}", _upstream(order, on, chains))
    yield ""
    yield "# What clients ask."
    yield from _block("server", _front(on))
    for order in chains.orders:
        yield ""
        yield from _block("server", _chain(order, on, chains))
    for site in chains.sites:
        yield ""
        yield from _adapter(site, layout, on, chains)


def _groups(layout: Layout, chains: _Chains) -> Iterator[str]:
    """The map from paths to `upstream` blocks; labels first, because their channel's pattern would
    match them too."""
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for channel in sorted(layout.channels, key=lambda c: not c.path.endswith("/label")):
        orders = [("", channel.sites), (NEXT, channel.sites_next)]
        if UPSTREAM in channel.sites and channel.path != WHL:
            orders.append((OFFICIAL, (UPSTREAM,)))
        for way, order in orders:
            rows.setdefault((way, order), []).append(channel.path)
    labels = [(row, [p for p in paths if p.endswith("/label")]) for row, paths in rows.items()]
    plain = [(row, [p for p in paths if not p.endswith("/label")]) for row, paths in rows.items()]
    for (way, order), paths in (*labels, *plain):
        if paths:
            yield f'"~^{way}{ROOT}(?:{_either(paths)})/" {chains.name(order)};'
    yield "default '';"


def _upstream(order: tuple[str, ...], on: Host, chains: _Chains) -> Iterator[str]:
    yield f"server 127.0.0.1:{on.ports[chains.site(order[0])]} max_fails=1 fail_timeout=60s;"
    yield f"server 127.0.0.1:{on.ports[chains.chain(order[1:])]} backup;"
    yield "keepalive 16;"


def _front(on: Host) -> Iterator[str]:
    yield f"listen {on.listen};"
    yield "# Only reading, and only what is named."
    yield "if ($request_method !~ ^(GET|HEAD)$) { return 405; }"
    yield "location / { return 404; }"
    package = [
        f"slice {SLICE};",
        "proxy_set_header Range $slice_range;",
        "proxy_cache_key $way$path$slice_range;",
        "proxy_cache_valid 200 206 365d;",
    ]
    fresh = [
        "proxy_cache_valid 200 404 5m;",
        "proxy_cache_revalidate on;",
        f"proxy_cache_use_stale {_FAULTS} updating;",
    ]
    index = ["proxy_cache_key $way$path;", *fresh]
    conda, pip = f"(?:{'|'.join(_CONDA)})", f"(?:{PYPI}|{WHL})"
    for way, pattern, own in (
        (NEXT, rf"{conda}/{_FILE}\.(?:conda|tar\.bz2)", package),
        (NEXT, rf"{pip}/{_FILE}\.(?:whl|tar\.gz|zip)", package),
        (NEXT, rf"(?:{PYPI}/simple|{WHL})/{_FILE}/", [*pages.negotiated("$way$path"), *fresh]),
        (NEXT, rf"{pip}/{_FILE}\.metadata", index),
        (NEXT, rf"{conda}/{_FILE}", index),
        (OFFICIAL, rf"{conda}/{_FILE}\.(?:json|json\.bz2|json\.zst|msgpack\.zst)", index),
    ):
        yield from _block(
            f'location ~ "^(?<way>{way})?(?<path>{ROOT}{pattern})\\z"',
            [
                "if ($group = '') { return 404; }",
                *own,
                "proxy_cache torch;",
                "proxy_cache_lock on;",
                "proxy_cache_lock_timeout 10m;",
                "proxy_cache_lock_age 10m;",
                "proxy_ignore_headers Set-Cookie Vary Cache-Control Expires X-Accel-Expires;",
                "proxy_hide_header Set-Cookie;",
                "proxy_set_header X-Front yes;",
                "proxy_set_header Accept-Encoding '';",
                _KEPT_OPEN,
                *_WAITING,
                "proxy_pass http://$group$path;",
            ],
        )


def _chain(order: tuple[str, ...], on: Host, chains: _Chains) -> Iterator[str]:
    yield f"listen 127.0.0.1:{on.ports[chains.chain(order)]};"
    yield "access_log off;"
    yield from _block(
        "location /",
        [
            _KEPT_OPEN,
            "proxy_set_header X-Front '';",
            *_WAITING,
            f"proxy_next_upstream {_FAULTS};",
            "proxy_intercept_errors on;",
            "error_page 404 = @verdict;",
            "error_page 410 = @missing;",
            f"proxy_pass http://{chains.name(order, inside=True)};",
        ],
    )
    # Missing only if every mirror says so, or the official site: by 410, so that nobody else is
    # asked. (After one mirror has failed, a 404 of the last one ends as "no live upstreams".)
    yield "location @verdict { if ($shut) { return 502; } return 404; }"
    yield f"location @missing {{ {_GONE} }}"


def _adapter(site: str, layout: Layout, on: Host, chains: _Chains) -> Iterator[str]:
    name = re.sub(r"\W", "_", site)
    urls = {c: p.url for c in layout.channels for p in c.places if p.site == site}
    schemes = {url.partition("://")[0] for url in urls.values()}
    allowed = {*map(host_of, urls.values()), *layout.hosts.get(site, ())}
    scheme = "https?" if "http" in schemes else "https"
    hosts = "|".join(re.escape(host) for host in sorted(allowed))
    yield f"# {site}"
    follow = [
        f'"~^{scheme}://(?:{hosts})/" $upstream_http_location;',
        f'"~^/[^/]" $scheme_{name}$upstream_http_location;',
        "default '';",
    ]
    yield from _block(f"map $upstream_http_location $follow_{name}", follow)
    yield f"map $proxy_host $scheme_{name} {{ default {sorted(schemes)[0]}://$proxy_host; }}"
    yield from _block("server", _mirror(site, name, urls, on, chains))


def _mirror(
    site: str, name: str, urls: Mapping[Channel, str], on: Host, chains: _Chains
) -> Iterator[str]:
    yield f"listen 127.0.0.1:{on.ports[chains.site(site)]};"
    yield "access_log off;"
    yield f"proxy_connect_timeout {on.connect}s;"
    yield f"proxy_read_timeout {on.read}s;"
    yield "proxy_set_header Host $proxy_host;"
    yield "proxy_set_header Cookie '';"
    yield "proxy_set_header Authorization '';"
    yield "proxy_set_header X-Front '';"
    yield "proxy_ssl_verify on;"
    yield "proxy_ssl_verify_depth 4;"
    yield "proxy_ssl_server_name on;"
    yield f"proxy_ssl_trusted_certificate {_quoted(on.ca)};"
    yield "# Ranges of one file may come from several mirrors, whose tags differ."
    yield "proxy_hide_header ETag;"
    yield "# A mirror says nothing about what nginx does."
    yield "proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate X-Accel-Buffering;"
    yield "add_header X-Poison $poison;"
    yield from pages.relative({c.path: url for c, url in urls.items() if c.path in (PYPI, WHL)})
    yield "proxy_intercept_errors on;"
    yield "recursive_error_pages on;"
    yield from _ERRORS
    yield "location / { return 404; }"
    yield "location @shut { internal; return 503; }"
    missing = _GONE if site == UPSTREAM else "return 404;"
    yield f"location @missing {{ internal; recursive_error_pages off; {missing} }}"
    yield from _block(
        "location @follow",
        [
            f"set $to $follow_{name};",
            "if ($to = '') { return 502; }",
            "proxy_pass $to;",
        ],
    )
    for (parent, head), paths in _parents(urls).items():
        # The official server of wheels answers 403 for what is missing, which uv expects of it too
        # (docs.astral.sh/uv/concepts/indexes). nginx takes the first line that fits.
        of_wheels = site == UPSTREAM and WHL in (f"{head}{path}" for path in paths)
        errors = ["error_page 403 = @missing;", *_ERRORS] if of_wheels else []
        yield from _block(
            f'location ~ "^{ROOT}{head}(?<rest>(?:{_either(paths)})/.+)$"',
            [*errors, f"proxy_pass {parent}$sent;"],
        )


def _parents(urls: Mapping[Channel, str]) -> dict[tuple[str, str], list[str]]:
    """Group a site's channels by (URL prefix at the site, path prefix in the cache); each value
    lists the paths that follow both.

    Below a root, paths are as in the cache (`cloud/`, `pkgs/`); below a parent they are channel
    names; any other URL is a prefix of its own, followed by an empty path.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for channel, url in urls.items():
        path = channel.path
        while path and not url.endswith(path):
            path = f"/{path[1:].partition('/')[2]}" if "/" in path[1:] else ""
        head = channel.path.removesuffix(path) if path else channel.path
        found.setdefault((url.removesuffix(path) if path else url, head), []).append(path)
    return found


def _either(paths: Iterable[str]) -> str:
    """Alternatives of a regular expression, the longest first."""
    return "|".join(re.escape(path) for path in sorted(paths, key=lambda p: (-len(p), p)))


def _block(head: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"{head} {{"
    for line in lines:
        yield f"    {line}" if line else line
    yield "}"


def _server(address: str) -> str:
    """The address of a name server, in brackets if it is IPv6."""
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
