"""TPC-H: the tables of a wholesale supplier, and the 22 questions that databases are compared by.

Read it in this order: ``rows`` (what the tables' rows are), ``tables`` (they are made by tpchgen-cli), ``queries/`` (a
file a question), ``answers`` (their assets), ``frames`` (three of them again in polars, checked against the queries).

``assetflow materialize -m projects.tpch`` makes all of it at a hundredth of the usual size, ``--set scale=1`` at the
usual one: 6,001,215 lines of orders. The questions are those of the TPC-H specification with its validation values;
what comes out is no TPC-H result.
"""
