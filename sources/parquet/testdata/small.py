# Writes small.parquet, the seed of the fuzz tests:  small.py OUT
import sys

import pyarrow as pa
import pyarrow.parquet as pq

t = pa.table({
    's': pa.array(['a', None], pa.large_string()),
    't': pa.array([1, 2], pa.timestamp('us', 'Europe/Berlin')),
    'd': pa.array([1, None], pa.duration('s')),
    'l': pa.array([[[1, 2]], None], pa.large_list(pa.list_(pa.int8(), 2))),
    'm': pa.array([[('k', {'x': True})], []], pa.map_(pa.string(), pa.struct([('x', pa.bool_())]))),
    'j': pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(['1', '{}'])),
    'n': pa.array([1, 2], pa.decimal256(10, 2)),
})
t = t.replace_schema_metadata({'pandas': '{}'})
pq.write_table(t, sys.argv[1], write_statistics=False)
