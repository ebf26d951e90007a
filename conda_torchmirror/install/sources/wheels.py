"""Whether wheels have what no conda build is: by the built-in list, with the command for it."""

from __future__ import annotations

from ...exceptions.usage import NoCondaVariant
from ...index.sources import WHEELS
from ...index.wheels import builtin
from ...machine import survey
from ...models import Machine, NoChoice, Notice
from ...options import InstallOptions
from ...selection.pip import variants
from ...selection.plan import machine_words, typed
from ...selection.wheels import request as wheel_request
from ...selection.wheels.choose import choose
from ...selection.wheels.tables import NAMED, PLAIN, tables
from .. import request as words
from ..task import Target


def way(options: InstallOptions, target: Target, on: Machine) -> tuple[Notice, ...]:
    """The step to a set of wheels, in a new environment, where the list has one for the request."""
    known = builtin.load(on.subdir)
    cuda = wheel_request.accelerator(options.cuda)
    if known is None or cuda is None or options.files:
        return ()
    request = wheel_request.read(
        options.specs,
        cuda=cuda,
        compat=options.cuda_compat,
        allow_cpu=options.allow_cpu,
        python=words.python(options.python)[0] if options.python else None,
    )
    if isinstance(request, wheel_request.BadWord):
        return ()
    on = on._replace(installed=())
    first, lower = variants.to_read(on, request, tables())
    found = choose(request, on, [link for link in known.links if link.variant in first])
    if isinstance(found, NoChoice):
        found = choose(
            request, on, [link for link in known.links if link.variant in (*first, *lower)]
        )
    if isinstance(found, NoChoice):
        return ()
    named = target.words if target.to_be_made else ("-n", "NEW")
    python = options.python or on.python
    command = [
        *("conda", "torch-install", *named, *options.specs),
        *(["--cuda", options.cuda] if options.cuda != "auto" else []),
        *(["--cuda-compat", options.cuda_compat] if options.cuda_compat != "minor" else []),
        *(["--python", python] if python else []),
        *machine_words(on),
        *("--source", WHEELS),
    ]
    facts = {"torch": found.torch.version, "variant": found.variant or PLAIN}
    return (Notice("use_wheel_set", {**facts, "command": typed(command)}),)


def refuse_variant(options: InstallOptions, target: Target, subdir: str) -> None:
    """Refuse an accelerator that only wheels are built for. Raises: NoCondaVariant."""
    variant = options.cuda.strip().lower()
    if not NAMED.fullmatch(variant):
        return
    prefix = target.prefix if target.exists else None
    on = survey.survey(
        subdir=subdir, prefix=prefix, cuda="cpu", probe_gpus=False, facts=options.facts
    ).machine
    raise NoCondaVariant(variant=variant, ways=way(options, target, on))
