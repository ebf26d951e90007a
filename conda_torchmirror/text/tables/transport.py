"""Mirrors that fail, and what is used instead."""

from __future__ import annotations

from ..messages import Table

TEXT: Table = {
    "probe_refused": "refuses connections",
    "probe_dns": "is not known by DNS",
    "probe_tls": "offers no valid TLS connection ({detail})",
    "probe_timeout": "did not send {what} in time",
    "probe_reset": "cut the connection for {what}",
    "probe_unreachable": "cannot be reached ({detail})",
    "probe_proxy": "cannot be reached through the proxy ({detail})",
    "probe_blocked": "has shut out this network (403; identifier: {identifier}; write to: "
    "{support})",
    "probe_forbidden": "refuses {what} (403)",
    "probe_unauthorized": "asks for a log-in for {what} (401)",
    "probe_not_found": "does not have {what} (404)",
    "probe_busy": "is busy ({status})",
    "probe_server_error": "fails with {status} for {what}",
    "probe_bad_status": "answers {status} for {what}",
    "probe_insecure": "redirects {what} to {host} without TLS, which is refused",
    "probe_foreign": "redirects {what} to {host}, which is no known mirror: refused, as nothing "
    "vouches for what would come from there",
    "probe_redirect_dead": "redirects {what} to {host}, which cannot be reached ({detail})",
    "probe_redirect_loop": "redirects {what} in a circle",
    "probe_html": "sends a web page instead of {what}",
    "probe_not_the_file": "sends something else instead of {what}",
    "probe_wrong_size": "has another {what} than its index says ({detail})",
    "probe_broken": "sends an index that cannot be read ({detail})",
    "probe_hash": "sent {what} with another content than its index says",
    "probe_behind": "has an old index, without {what}",
    "probe_other_choice": "has other builds than those that were agreed on",
    "channel_upstream": "`{channel}` comes from upstream; {mirror} has it: {options}",
    "others_mirrored": "also read: {where}",
    "mirror_left": "{mirror} {why}: {channels} from {instead}",
    "mirror_left_before": "{mirror} {why} ({minutes} min ago, not asked again): {channels} from "
    "{instead}",
    "mirror_sends_on": "{mirror} sends requests for `{channel}` on to {host}",
    "index_zst_old": "{mirror}'s compressed index of `{channel}` is older than the plain one, "
    "which is used",
    "index_zst_broken": "{mirror}'s compressed index of `{channel}` is broken; the plain one is "
    "used",
    "index_behind": "{mirror}'s index is old: it lacks {what}, which the channel has",
    "index_outdated": "the hash of {what} is not the one in the built-in index; the official "
    "channel confirms the new one",
    "upstream_confirms": "the official channel confirms the hashes of the chosen builds",
}
