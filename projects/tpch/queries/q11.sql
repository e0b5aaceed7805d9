-- The stock in a nation that is worth most.
with stock as (
    select ps_partkey, ps_supplycost * ps_availqty as worth
    from partsupp
    join supplier on s_suppkey = ps_suppkey
    join nation on n_nationkey = s_nationkey
    where n_name = 'GERMANY'
)
select ps_partkey, sum(worth) as value
from stock
group by ps_partkey
having sum(worth) > (select sum(worth) * 0.0001 / $scale from stock)
order by value desc
