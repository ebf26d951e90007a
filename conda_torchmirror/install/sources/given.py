"""From what is given, options, files and machine, to a request and the order of the sources. Where
words of it contradict each other, those are offered to be left out without which there is a choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from conda.base.context import context

from ...exceptions.base import TorchMirrorError
from ...exceptions.usage import Contradiction, MirrorNoChannel, quoted
from ...index.match import admits, read
from ...index.sources import AUTO, allowed
from ...machine import survey as machine
from ...mirrors.addresses import name_of
from ...models import Choice, Notice, Request
from ...options import InstallOptions
from ...redirect import settings
from ...selection import rules
from ...selection.facts.names import FAMILY, METAPACKAGES, OF_PYTORCH, TORCH
from ...selection.plan import offered
from ...selection.rules import installed
from ...selection.sources.order import Order
from ...selection.specs import excluding, for_torch
from .. import request as requests_
from ..task import Target, survey_here
from . import answer

if TYPE_CHECKING:
    from ..files.request import FileRequest

#: How many contradictions in one request are looked for.
_DEPTH = 3


class Given(NamedTuple):
    """What a run is given. `typed` is the source that the command line names, `asked` the options
    that were typed."""

    options: InstallOptions
    typed: str
    files: FileRequest | None
    target: Target
    subdir: str
    asked: InstallOptions

    def request(self) -> Request:
        """The request of the options. Raises: what `request.of` raises."""
        try:
            return self._request()
        except Contradiction as error:
            raise self._refusal(error) from error

    def order(self, request: Request) -> tuple[Request, machine.Survey, Order]:
        """The request, completed with facts from the machine, the machine, and the order of the
        sources. Raises: Contradiction."""
        request, survey = self._facts(request)
        try:
            _check_others(request)
        except Contradiction as error:
            raise self._refusal(error) from error
        try:
            return request, survey, answer.in_order(self.options, request, survey.machine)
        except Contradiction as error:
            ways = (*self._with_torch(request), *self._as_they_are())
            raise self._refusal(error, ways) from error

    def _with_torch(self, request: Request) -> tuple[Notice, ...]:
        """The step to name pytorch too, where the one of the environment is in the way of a word
        and only stays as it is not named."""
        if not request.keeps_torch or self.files:
            return ()
        asked, options = self.asked, self.options
        given = self._replace(
            options=options._replace(specs=(TORCH, *options.specs)),
            asked=asked._replace(specs=(TORCH, *asked.specs)),
        )
        try:
            found = given.choice()
        except TorchMirrorError:
            return ()
        if found is None:
            return ()
        facts = {"command": offered(given.asked), "torch": f"{TORCH} {found.torch.version}"}
        return (Notice("name_torch", facts),)

    def _as_they_are(self) -> tuple[Notice, ...]:
        """The step to leave the files to conda, which may take the packages of both sources if all
        of them are of the files, and if other channels than those of one source are read."""
        if self.files is None or self.asked.specs:
            return ()
        read_too = {name_of(word) for word in (*self.files.channels, *context.channels)}
        return self.files.as_they_are(self.asked) if read_too.difference(OF_PYTORCH) else ()

    def _request(self) -> Request:
        if self.options.channels and not self.files:
            from ..files.advice import check_channels

            check_channels(self.options, self._chooses)
        self._check_mirrors()
        return requests_.of(self.options, self.typed or AUTO, allowed(self.options.source))

    def _chooses(self, options: InstallOptions) -> bool:
        """Whether there is a choice with these options, as far as is known."""
        try:
            return self._replace(options=options).has_choice()
        except TorchMirrorError:
            return False

    def _check_mirrors(self) -> None:
        """Refuse the name of a mirror after `-c` and among a file's channels.

        Raises: MirrorNoChannel, FileMirrorNoChannel.
        """
        typed, of_files = self.asked.channels, self.files.channels if self.files else ()
        if not (typed or of_files):
            return
        mirrors = settings.registry(settings.read())
        if mirrors.identify(f"{context.channel_alias}/{TORCH}") is None:
            return  # at a server of the user's own, any word may be a channel
        own = {*context.custom_channels, *context.custom_multichannels}
        named = {word: mirrors.named(word) for word in (*typed, *of_files) if word not in own}
        if self.files:
            self.files.check_channels(named, self.asked)
        found = {word: name for word in typed if (name := named.get(word)) is not None}
        if not found:
            return
        left = tuple(channel for channel in typed if channel not in found)
        asked = self.asked._replace(
            channels=left,
            override_channels=self.asked.override_channels and bool(left),
            mirrors=self.asked.mirrors or tuple(dict.fromkeys(found.values())),
        )
        step = Notice("by_this_mirror", {"command": offered(asked)})
        word, name = next(iter(found.items()))
        raise MirrorNoChannel(word=word, mirror=name, ways=(step,))

    def _facts(self, asked: Request) -> tuple[Request, machine.Survey]:
        """The request and the machine, each completed with facts from the other."""
        options = self.options
        survey = survey_here(
            subdir=self.subdir,
            prefix=self.target.prefix if self.target.exists else None,
            cuda=asked.cuda,
            python=requests_.python(asked.python)[0] if asked.python else None,
            probe_gpus=asked.cuda == "auto",
            facts=options.facts,
        )
        torch = installed(survey.machine, TORCH)
        named = any(requests_.names_torch(word) for word in options.specs)
        if torch and options.specs and not named:
            asked = asked.keeping(TORCH, f"{TORCH}=={torch.version}")
        if self.files:
            asked, survey = self.files.applied(asked, survey)
        if torch and options.facts is None:
            on, asked = rules.by_its_cuda(survey.machine, asked, torch)
            survey = survey._replace(machine=on)
        return asked, survey

    def _refusal(self, error: Contradiction, ways: Sequence[Notice] = ()) -> Contradiction:
        """The error with the steps that help, or with where to look if there are none."""
        from .refusal import where_to_look

        sides = [quoted(self._words(side)) for side in self._helping(error)]
        if len(sides) > 1:
            step = Notice("leave_one_out", {"first": sides[0], "second": sides[1]})
        elif sides:
            step = Notice("leave_words_out", {"words": sides[0]})
        elif found := self._opened():
            facts = {"torch": f"{TORCH} {found.torch.version}", "channel": found.torch.channel}
            step = Notice("older_release", facts)
        elif context.offline and not any(self._known()):
            step = Notice("go_online")
        else:
            step = where_to_look(self.asked, offline=context.offline)
        first, second = error.sides
        return Contradiction.of(
            self._as_typed(first),
            self._as_typed(second),
            (self._words(first), self._words(second)),
            (step, *ways),
            error.detail,
        )

    def _words(self, side: str) -> list[str]:
        """The words of a side of a contradiction, as they were typed, in their order."""
        found, rest = self._named(side)
        places = sorted((f" {side} ".find(f" {name} "), name) for name in found)
        return [self._as_typed(side)] if rest else [self._as_typed(name) for _, name in places]

    def _as_typed(self, side: str) -> str:
        """A side of a contradiction with its specs as they were typed, or as a file has them."""
        found = f" {side} "
        files = self.files.files if self.files else ()
        for word in (*self.asked.specs, *(spec for file in files for spec in file.specs)):
            spec = read(word)
            forms = [f"{name_of(spec.channel)}::{spec.plain}"] if spec.channel else []
            forms += [f"{spec.plain}+{spec.variant}"] if spec.variant else []
            for form in (*forms, spec.plain) if f" {word} " not in found else ():
                found = found.replace(f" {form} ", f" {word} ")
        return found.strip()

    def _known(self) -> Iterator[bool]:
        """For each source, whether anything is known of the platform without a channel."""
        for source in allowed(self.options.source):
            yield source.built_in(self.subdir) is not None

    def _helping(self, error: Contradiction) -> Iterator[str]:
        """The words without which there is a choice: one side of the contradiction; where each side
        leaves another contradiction, one side of that as well."""
        cases: list[tuple[tuple[str, ...], Given, Contradiction]] = [((), self, error)]
        for _ in range(_DEPTH):
            found: list[str] = []
            further: list[tuple[tuple[str, ...], Given, Contradiction]] = []
            for left, given, clash in cases:
                for side in clash.sides:
                    less = given._without(side)
                    if less is None:
                        continue
                    try:
                        less.check_files()
                        if less.has_choice():
                            found.append(" ".join((*left, side)))
                    except Contradiction as next_:
                        further.append(((*left, side), less, next_))
                    except TorchMirrorError:
                        continue
            if found:
                once: dict[frozenset[str], str] = {}
                for words in found:
                    once.setdefault(frozenset(words.split()), words)
                yield from once.values()
                return
            cases = further

    def has_choice(self) -> bool:
        """Whether there is a choice, as `choice` has it."""
        return self.choice() is not None

    def choice(self) -> Choice | None:
        """The choice by what is known without reading a channel, or None. Raises: what makes a
        request impossible."""
        from .rule import AutoRule

        request, survey = self._facts(self._request())
        on = survey.machine
        _check_others(request)
        answer.in_order(self.options, request, on)
        found = AutoRule(self.options, ())(on, request)
        return found if found and not rules.conflicts(found, on, request, admits) else None

    def _opened(self) -> Choice | None:
        """The choice with the release left open, or None."""
        options, files = self.options, self.files
        names = {word: name for word in options.specs if (name := read(word).name) in FAMILY}
        specs = tuple(names.get(word, word) for word in options.specs)
        if files:
            files = files._replace(family=tuple(names.get(word, word) for word in files.family))
        try:
            return self._replace(options=options._replace(specs=specs), files=files).choice()
        except TorchMirrorError:
            return None

    def check_files(self) -> None:
        """Refuse files without a word of the torch family. Raises: NoTorchInFile."""
        from ..files.advice import check_torch

        if self.files:
            words = (*self.files.family, *self.options.specs)
            check_torch(self.files.files, words, self.asked)

    def _named(self, side: str) -> tuple[dict[str, str], str]:
        """The words that a side of a contradiction names, by their form there, and what is left of
        the side."""
        options, files, rest = self.options, self.files, f" {side} "
        named = {word: _names(word) for word in options.specs}
        for word in files.beside if files else ():
            named.setdefault(word, _names(word))
        for word in options.channels:
            named[word] = [word]
        for option in (f"--cuda {options.cuda}", f"--python {options.python}"):
            named[option] = [option]
        named[""] = [f"--source {options.source}", f"torchmirror_source: {options.source}"]
        for name, pin in ((word, word.rpartition("+")[2]) for word in options.specs if "+" in word):
            named[name].append(f"+{pin}")
        found: dict[str, str] = {}
        # The longest first: a channel may be named as the value of an option is.
        forms = ((name, word) for word, names in named.items() for name in names)
        for name, word in sorted(forms, key=lambda form: len(form[0]), reverse=True):
            if f" {name} " in rest:
                rest = rest.replace(f" {name} ", " ")
                found[name] = word
        return found, rest.strip()

    def _without(self, side: str) -> Given | None:
        """The same without these words; None if not all of them are found, or if the files are
        refused without them."""
        options, files, typed = self.options, self.files, self.typed
        named, rest = self._named(side)
        if rest:
            return None
        gone = {name if name.startswith("+") else word for name, word in named.items()}
        of_files = files.family if files else ()
        kept = [word for word in options.specs if word not in (*gone, *of_files)]
        for variant in (word for word in gone if word.startswith("+")):
            kept = [word.removesuffix(variant) for word in kept]
        options = options._replace(
            specs=tuple(kept),
            channels=tuple(word for word in options.channels if word not in gone),
            cuda="auto" if f"--cuda {options.cuda}" in gone else options.cuda,
            python=None if f"--python {options.python}" in gone else options.python,
            source=AUTO if "" in gone else options.source,
        )
        if files:
            from ..files.reading import without

            # A Python of the options may be that of the files.
            python = options.python if self.asked.python else None
            try:
                files = without(files, gone, options._replace(python=python))
            except TorchMirrorError:
                return None
            options = options._replace(specs=(*files.family, *kept), python=python or files.python)
        typed = "" if "" in gone else typed
        return self._replace(options=options, files=files, typed=typed)


def _check_others(request: Request) -> None:
    """Refuse specs of which conda's solver could not meet two. Raises: Contradiction."""
    if found := excluding(request.others, admits):
        raise Contradiction.of(found[0], found[1])


def _names(word: str) -> list[str]:
    """The forms in which an error may name a word."""
    found = read(word)
    names = [word, found.plain]
    return [*names, for_torch(found.plain)] if found.name in METAPACKAGES else names
