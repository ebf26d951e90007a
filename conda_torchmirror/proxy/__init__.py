"""An existing proxy as a cache in front of the mirrors: its configuration, and that of clients.

What is written for files of servers is in English whatever the language of the person who prints
it: a role that keeps them compares them byte by byte, from whichever machine it runs.
"""
