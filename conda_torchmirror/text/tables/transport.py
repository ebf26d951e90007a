"""Mirrors that fail, and what is used instead."""

from __future__ import annotations

from ..messages import Table

TEXT: Table = {
    "probe_refused": "{mirror} refuses connections",
    "probe_dns": "{mirror} is not known by DNS",
    "probe_tls": "{mirror} offers no valid TLS connection ({detail})",
    "probe_timeout": "{mirror} did not send {what} in time",
    "probe_reset": "{mirror} cut the connection for {what}",
    "probe_unreachable": "{mirror} cannot be reached ({detail})",
    "probe_unreadable": "{mirror} sends an answer for {what} that cannot be read ({detail})",
    "probe_proxy": "{mirror} cannot be reached through the proxy ({detail})",
    "probe_unsent": "{mirror} cannot be asked, by this computer's own settings ({detail})",
    "probe_blocked": "{mirror} has shut out this network (403; identifier: {identifier}; write "
    "to: {support})",
    "probe_forbidden": "{mirror} refuses {what} (403)",
    "probe_unauthorized": "{mirror} asks for a log-in for {what} (401)",
    "probe_not_found": "{mirror} does not have {what} (404)",
    "probe_busy": "{mirror} is busy ({status})",
    "probe_server_error": "{mirror} fails with {status} for {what}",
    "probe_bad_status": "{mirror} answers {status} for {what}",
    "probe_insecure": "{mirror} redirects {what} to {host} without TLS, which is refused",
    "probe_foreign": "{mirror} redirects {what} to {host}, which is no known mirror: refused, as "
    "nothing vouches for what would come from there",
    "probe_redirect_dead": "{mirror} redirects {what} to {host}, which cannot be reached "
    "({detail})",
    "probe_redirect_loop": "{mirror} redirects {what} in a circle",
    "probe_html": "{mirror} sends a web page instead of {what}",
    "probe_not_the_file": "{mirror} sends something else instead of {what}",
    "probe_wrong_size": "{mirror} has another {what} than the index says ({detail})",
    "probe_broken": "{mirror} sends an index that cannot be read ({detail})",
    "probe_too_large": "{mirror} sends an index that is too large ({detail})",
    "probe_withheld": "{mirror} refuses {what} (403 or 404), though its first bytes could be had",
    "probe_hash": "{mirror} sent {what} with another content: the hash differs",
    "probe_behind": "{mirror} has an old index, without {what}",
    "probe_hollow": "{mirror} has an index without {what}",
    "probe_other_choice": "{mirror} has other builds than those that were agreed on",
    # Shown if a block page names no identifier or no address.
    "unnamed_identifier": "not given",
    "unnamed_operators": "the mirror's operators",
    # Why a hash is confirmed, and what the official channel has instead of one.
    "hash_differs": "it is not the one in the built-in index",
    "hash_asked": "it was asked for",
    "hash_no_file": "no such file",
    "alias_lacks": "your channel_alias leads to {mirror}, which does not have `{channel}`: it "
    "comes from elsewhere",
    "alias_misplaced": "your channel_alias ({source}) gives an address of `{channel}` at {mirror} "
    "where no channel is: it takes the URL above the channels' names; it is passed over",
    "entry_lacking": "your configuration ({source}) leads `{channel}` to {mirror}, which does not "
    "have it: that entry is passed over, and should be removed",
    "entry_misplaced": "your configuration ({source}) gives an address of `{channel}` at {mirror} "
    "where no channel is: custom_channels takes the URL above the channel's name; the entry is "
    "passed over",
    "channel_upstream": "`{channel}` comes from upstream; {mirror} has it: `{options}`",
    "others_mirrored": "also read: {where}",
    "pypi_index": "the index of PyPI",
    "mirror_left": "{why}: {channels} from {instead}",
    "mirror_left_before": "{why} ({minutes} min ago, not asked again): {channels} from {instead}",
    "mirror_failed_before": "{why} ({minutes} min ago, not asked again)",
    "mirror_sends_on": "{mirror} sends requests for `{channel}` on to {host}",
    "index_zst_old": "{mirror}'s compressed index of `{channel}` is older than the plain one, "
    "which is used",
    "index_zst_broken": "{mirror}'s compressed index of `{channel}` is broken; the plain one is "
    "used",
    "index_shards_broken": "{mirror}'s sharded index of `{channel}` cannot be read; the whole one "
    "is used",
    "index_broken": "it is no whole index: what stands at byte {byte} cannot be read",
    "index_foreign_scheme": "it redirects to {scheme}:, which is no address of the web",
    "index_too_large": "it sends more than {megabytes} MB, which no index has",
    "index_too_slow": "next to nothing came in {seconds} seconds",
    "reading_index": "Reading the index of `{channel}` from {mirror}",
    "no_network": "this computer seems to have no network; of the last site that was asked:"
    " {reason}",
    "index_behind": "{mirror}'s index is old: it lacks {what}, which the channel has",
    "excluded_packed": (
        "{count} .conda build counts as not there, as conda's `use_only_tar_bz2` says",
        "{count} .conda builds count as not there, as conda's `use_only_tar_bz2` says",
    ),
    "index_outdated": "the hash of {what} is not the one in the built-in index; the official "
    "channel confirms the new one",
    "upstream_confirms": "the official channel confirms the hashes of the chosen builds",
    "upstream_unasked": "`--check-upstream` compared nothing: no record of the chosen builds was "
    "read from their channel",
    # A cache in front of the mirrors.
    "cache_folder_characters": "nginx takes no path with a quote, a dollar sign, a semicolon or a "
    "brace",
    "cache_channel": "that is not the name of a channel",
    "cache_of_here": "{url} is this computer's own: for other machines add `--url "
    "http://HOST:{port}`",
    "cache_url": "that is no address such as http://cache.lab:8080",
    "cache_port": "that and the numbers after it, one for each mirror and each order of mirrors, "
    "must be ports",
    "cache_no_folder": "there is no such folder",
    "cache_checked": (
        "{count} kept file is as the indexes say.",
        "{count} kept files are as the indexes say.",
    ),
    "cache_unknown": (
        "Of {count} kept file the indexes say nothing, or it is not whole.",
        "Of {count} kept files the indexes say nothing, or they are not whole.",
    ),
    "cache_closed": (
        "{count} file or folder cannot be read: check as the user that nginx works as, or as root.",
        "{count} files or folders cannot be read: check as the user that nginx works as, or as "
        "root.",
    ),
    "cache_empty": "There is no index, page or package of a cache below {folder}; DIR is the "
    "folder that `--dir` named.",
    "cache_deleted": "{path} was deleted: {why}",
    "cache_would_delete": "{path} would be deleted: {why}",
    "cache_size": "its size is not that of the index",
    "cache_hash": "its hash is not that of the index",
    "cache_unreadable": "it is neither an index nor a page of links",
}
