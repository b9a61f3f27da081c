-- Queries that once answered differently, each as small as it was made, asked of both systems again. One a line.
select cot('0'::float8), cot('-0'::float8)
select to_char('1 day'::interval, 'DD Mon YYYY')
select to_char('1 day'::interval, 'ID')
select to_char('-1 year 2 days 03:04:05.678'::interval, 'Q RM CC'), to_char('11 mon'::interval, 'Q RM'), to_char('-11 mon'::interval, 'RM'), to_char('-13 mon'::interval, 'RM')
select sum(c1) from (values ('178000000 years'::interval), ('178000000 years'::interval)) t (c1)
select array_append('{a,b}'::text[], t1.event_type), count(*) from events t1 group by array_append('{a,b}'::text[], t1.event_type)
select nullif('a'::varchar, 'b'), nullif('1'::int2, 2.0), nullif('1'::int2, '2'::int8), nullif('{a}'::varchar[], '{b}')
select '{}'::jsonb::int4, c1 from (values (null::float8[]), ('{1.5}')) t (c1)
select c1, c2 from (values (null::float8[], '1970-01-01'::date), ('{1.5,-0}'::float8[], '1999-12-31'::date)) t (c1, c2)
select to_char(1.5, '9.9.9')
select to_char(1.5, '9V9.9')
select to_char(1.5, '9PR9')
select to_char(1.5, '9 SS')
select to_char(1.5, '9S MI')
select to_char(1.5, '9MI S')
select to_char(1.5, '9.9EEEE9')
select to_char(1.5, '9E')
select to_char(1.5, 'FM9EEEE')
select to_char(1.5, 'DD Mon YYYY')
select to_char(1.5, '9PL9 SG')
select cotd('-0'::float8), cotd('180'::float8), cotd('90'::float8), cotd('-45'::float8), tand('90'::float8), tand('270'::float8), atanh('1'::float8)
select atanh('1.5'::float8)
select to_date('', 'FMDay, DD FMMonth'), to_date('2024', 'YYYY Mon')
select power('-2.5'::float8, 'NaN'::float8), dpow('-2.5'::float8, 'NaN'::float8)
select '-infinity'::timestamptz::timetz, 'infinity'::timestamptz::time, 'infinity'::timestamp::time
select bit_xor(c1), bit_xor(distinct c1) from (values (1::int2), (2::int2), (2::int2)) t (c1)
select bit_and(c1), bit_or(c1), bit_xor(c1) from (values ('101'::bit(3)), ('011'::bit(3))) t (c1)
select percentile_cont('{0.5,0.25}'::float8[]) within group (order by c1) from (values ('1 day'::interval), ('4 days'::interval)) t (c1)
select '1e-400'::jsonb::float8
select '1e-60'::numeric::float4
select '127.0.0.1'::inet::text, '10.0.0.0/8'::inet::text, '::1'::inet::varchar, '10.0.0.0/8'::cidr::text
select array_position('{1}'::int4[], null::int4, null::int4), array_position('{}'::numeric[], 1, null)
select array_fill('1'::int4, '{1,2,3}'::int4[], '{NULL,1}'::int4[])
select 'infinity'::timestamptz at time zone 'nowhere', '-infinity'::timestamp at time zone 'nowhere'
select to_date('2024-02-29', 'IYYY-IW-ID')
select t1 = t1, t1 < t1, t1 >= t1 from (select 1 as a, null::text as b) t1
select count(*) from (select 1 as a, null::text as b) t1 join (select 1 as a, null::text as b) t2 on t1 = t2
select stddev(c1) from (values ('1e308'::float8), ('-1e308'::float8)) t (c1)
select distinct on (array(select t1.c1)) t1.c1 from (values (1), (2)) t1 (c1) order by array(select t1.c1)
select (select t1.c1 % 2), count(*) from (values (1), (2), (3)) t1 (c1) group by (select t1.c1 % 2)
select * from (values (1), (2)) t1 (c1) join lateral (select t2.c1, t3.c1 from (select t1.c1) t2 (c1) left join (values (1)) t3 (c1) on t3.c1 = t1.c1) t4 on true
select degrees('0.1'::float8), degrees('0.3'::float8)
