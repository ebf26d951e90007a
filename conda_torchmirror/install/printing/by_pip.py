"""The command that prints wheels, for what was asked of conda's packages."""

from __future__ import annotations

from ...index.match import read
from ...models import Notice
from ...options import InstallOptions
from ...selection.facts.names import CPU_ONLY, RUNTIMES
from ...selection.plan import offered
from ...selection.specs import fixed_minor
from ...selection.wheels import request as wheel_request
from ..request import python, says_cpu
from ..sources.wheels import by_wheels


def way(options: InstallOptions) -> tuple[Notice, ...]:
    """The step to ask the same of wheels; none if they do not take it. Conda's packages that fix a
    CUDA, of which pip has none, become `--cuda`."""
    cudas = {options.cuda} - {"auto"}
    specs = []
    for word in options.specs:
        spec = read(word)
        if spec.name == CPU_ONLY or (says_cpu(spec) and not spec.variant):
            cudas.add("cpu")
        elif spec.name in RUNTIMES and (cuda := fixed_minor(spec.plain)):
            cudas.add(cuda)
        else:
            specs.append(word)
    if len(cudas) > 1 or options.files or options.of_solver:
        return ()
    asked = by_wheels(options)._replace(specs=tuple(specs), cuda=next(iter(cudas), "auto"))
    cuda = wheel_request.accelerator(asked.cuda)
    request = cuda and wheel_request.read(
        asked.specs,
        cuda=cuda,
        compat=asked.cuda_compat,
        allow_cpu=asked.allow_cpu,
        python=python(asked.python)[0] if asked.python else None,
    )
    if not request or isinstance(request, wheel_request.BadWord):
        return ()
    return (Notice("print_wheels", {"command": offered(asked)}),)
