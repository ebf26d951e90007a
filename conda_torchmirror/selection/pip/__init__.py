"""Planning a run of pip: which pages to read, what wheels require, the run itself."""
