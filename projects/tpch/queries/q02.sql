-- The cheapest suppliers of a part in a region.
with offers as (
    select p_partkey, p_mfgr, s_name, s_acctbal, s_address, s_phone, s_comment, n_name, ps_supplycost
    from part
    join partsupp on ps_partkey = p_partkey
    join supplier on s_suppkey = ps_suppkey
    join nation on n_nationkey = s_nationkey
    join region on r_regionkey = n_regionkey
    where p_size = 15 and p_type like '%BRASS' and r_name = 'EUROPE'
)
select s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone, s_comment
from offers
where ps_supplycost = (select min(ps_supplycost) from offers as same where same.p_partkey = offers.p_partkey)
order by s_acctbal desc, n_name, s_name, p_partkey
limit 100
