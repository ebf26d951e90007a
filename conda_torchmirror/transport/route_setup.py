"""Let conda find every channel of a run at its present route, in this process only.

Channels keep their names and only their URLs change, so conda's caches stay valid.
`redirect.in_process` explains how conda is configured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from conda.base.context import context
from conda.core.subdir_data import SubdirData

from ..mirrors.registry import Route
from ..mirrors.urls import UPSTREAM, host_of
from ..options import InstallOptions
from ..redirect import configuration, in_process
from ..redirect.own import channels as own_channels

#: Conda's settings for the forms of an index that can be left out.
ZST, SHARDS = "CONDA_REPODATA_USE_ZST", "CONDA_REPODATA_USE_SHARDS"


class RouteSetup:
    """Conda's configuration for the routes of a run. `apply` replaces what was in force before."""

    def __init__(self, options: InstallOptions) -> None:
        self._options = options
        self._variables: dict[str, str] = {}
        self._stack = ExitStack()

    def leaves_out(self, form: str) -> bool:
        """Whether indexes in this form, ZST or SHARDS, are left out."""
        return form in self._variables

    def apply(self, routes: Sequence[Route]) -> None:
        """Let conda find every channel at its route, and none at a former one."""
        self._stack.close()
        own = configuration.configured()
        alias = own_channels.alias_in_force()
        over = [route for route in routes if _is_led_elsewhere(route, own)]
        # Conda would read these at the URL of the alias.
        past = [r for r in routes if alias and r.mirror == UPSTREAM and not _is_part(r.channel)]
        variables = dict(self._variables)
        if any(route.by_mirror for route in routes):
            # Mirrors have no shards, and their current_repodata.json may be outdated by a year.
            variables.setdefault(SHARDS, "false")
            if tuple(context.repodata_fns) == ("current_repodata.json", "repodata.json"):
                variables["CONDA_REPODATA_FNS"] = "repodata.json"
        if variables:
            self._stack.callback(configuration.reload)
            self._stack.enter_context(configuration.environment(variables))
            configuration.reload()
        self._stack.enter_context(
            in_process.redirected(
                [
                    _named_by_host(route) if route in over or route in past else route
                    for route in routes
                ],
                override=bool(self._options.mirrors or over),
                asked=self._options.channels,
            )
        )

    @contextmanager
    def instead(self, there: Route, routes: Sequence[Route]) -> Iterator[None]:
        """Apply `there` in place of its channel's route until the block ends, then `routes`."""
        self.apply([_named_by_host(there) if r.channel == there.channel else r for r in routes])
        try:
            yield
        finally:
            self.apply(routes)

    def leave_out(self, form: str, routes: Sequence[Route]) -> None:
        """Read no indexes in this form, ZST or SHARDS, from now on."""
        self._variables[form] = "false"
        self.apply(routes)
        # Conda caches the form in which it reads an index together with the data.
        SubdirData.clear_cached_local_channel_data(exclude_file=False)

    def close(self) -> None:
        """Put conda's configuration back."""
        self._stack.close()


def _is_led_elsewhere(route: Route, own: Mapping[str, str]) -> bool:
    """Whether the user's `custom_channels` map the channel to another place than the route's."""
    parent = own.get(route.channel)
    return parent is not None and f"{parent.rstrip('/')}/{route.channel}" != route.url


def _is_part(name: str) -> bool:
    """Whether the channel is a part of `defaults`, which no alias affects."""
    return name.startswith("pkgs/")


def _named_by_host(route: Route) -> Route:
    """An upstream route under its host's name: `in_process.redirected` leaves routes named upstream
    to conda, whose configuration may lead elsewhere."""
    upstream = route.mirror == UPSTREAM
    return Route(route.channel, route.url, host_of(route.url)) if upstream else route
