# Compares what DuckDB reads from NAME.parquet with the Arrow stream NAME.arrow.
import sys

import duckdb
import pyarrow as pa
import pyarrow.ipc

name = sys.argv[1]
want = pa.ipc.open_stream(name + '.arrow').read_all()
con = duckdb.connect()
con.execute('set preserve_insertion_order = true')
got = con.execute(f"select * from read_parquet('{name}.parquet')").to_arrow_table()
got = got.cast(want.schema)
assert got.equals(want), 'values differ'
for column, value in (('source', 'source-3.jsonl'), ('phase', 'test'), ('id', want['id'][1234].as_py())):
    n = con.execute(f"select count(*) from read_parquet('{name}.parquet') where {column} = ?", [value]).fetchone()[0]
    m = sum(1 for v in want[column].to_pylist() if v == value)
    assert n == m and n > 0, (column, n, m)
