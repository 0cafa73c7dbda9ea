# What pyarrow reads from Parquet files, for the tests to compare with.
#   expect.py OUT FILE...    for each FILE: OUT/<its name>.arrow (an IPC stream), or OUT/<its name>.err with pyarrow's error
import os
import sys

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq


def plain(t):
    """The type without what Arrow for Go does not know, or what only names it: extensions, dictionaries, views."""
    if isinstance(t, pa.BaseExtensionType):
        return plain(t.storage_type)
    if pa.types.is_dictionary(t):
        return plain(t.value_type)
    if t == pa.string_view():
        return pa.string()
    if t == pa.binary_view():
        return pa.binary()
    if pa.types.is_decimal(t) and t.bit_width < 128:
        return pa.decimal128(t.precision, t.scale)
    if pa.types.is_struct(t):
        return pa.struct([field(f) for f in t])
    if pa.types.is_map(t):
        return pa.map_(plain(t.key_type), field(t.item_field))
    if pa.types.is_fixed_size_list(t):
        return pa.list_(field(t.value_field), t.list_size)
    if pa.types.is_large_list(t):
        return pa.large_list(field(t.value_field))
    if pa.types.is_list(t):
        return pa.list_(field(t.value_field))
    return t


def field(f):
    return pa.field(f.name, plain(f.type), f.nullable)


def main():
    out = sys.argv[1]
    for path in sys.argv[2:]:
        to = os.path.join(out, os.path.basename(path))
        try:
            table = pq.ParquetFile(path, page_checksum_verification=True).read()
            schema = pa.schema([field(f) for f in table.schema])
            columns = [c if c.type == f.type else c.cast(f.type) for c, f in zip(table.columns, schema)]
            table = pa.Table.from_arrays(columns, schema=schema)
            with pa.ipc.new_stream(to + '.arrow', schema) as w:
                w.write_table(table)
        except Exception as e:
            with open(to + '.err', 'w') as f:
                f.write(f'{type(e).__name__}: {e}')


if __name__ == '__main__':
    main()
