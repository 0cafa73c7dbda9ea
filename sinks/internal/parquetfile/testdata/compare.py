# Compares DIR/*.parquet with the Arrow streams beside them: values, null counts, bounds, page index.
import decimal
import glob
import math
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq

bad = 0


def fail(*what):
    global bad
    bad += 1
    print(*what)


def check_bounds(name, meta, want):
    """Bounds of the columns without children, over each row group."""
    row = 0
    for g in range(meta.num_row_groups):
        group = meta.row_group(g)
        part = want.slice(row, group.num_rows)
        row += group.num_rows
        for i in range(group.num_columns):
            c = group.column(i)
            where = f'{name}: row group {g}, {c.path_in_schema}'
            if not c.has_offset_index:
                fail(where, 'no offset index')
            if c.compression != 'ZSTD':
                fail(where, c.compression)
            if c.path_in_schema not in want.schema.names:
                continue
            col, s = part.column(c.path_in_schema), c.statistics
            if s is None or not s.has_null_count or s.null_count != col.null_count:
                fail(where, 'null count', s and s.null_count, col.null_count)
                continue
            if pa.types.is_float16(col.type) or pa.types.is_null(col.type) or col.null_count == len(col):
                if s.has_min_max:
                    fail(where, 'bounds', s.min, s.max)
                continue
            if not s.has_min_max or not c.has_column_index:
                fail(where, 'no bounds or no column index')
                continue
            if pa.types.is_fixed_size_binary(col.type):
                col = col.cast(pa.binary())
            if pa.types.is_decimal(col.type) or pa.types.is_duration(col.type) or pa.types.is_time(col.type) or pa.types.is_timestamp(col.type) or pa.types.is_date(col.type):
                if pa.types.is_decimal(col.type):
                    values = [v for v in col.to_pylist() if v is not None]
                    lo, hi = min(values), max(values)
                    got = [decimal.Decimal(int.from_bytes(b, 'big', signed=True)).scaleb(-col.type.scale, decimal.Context(prec=100)) for b in (s.min_raw, s.max_raw)] if isinstance(s.min_raw, bytes) else [s.min, s.max]
                    if got != [lo, hi]:
                        fail(where, got, lo, hi)
                    continue
                unit = 1
                if getattr(col.type, 'unit', '') == 's' and not pa.types.is_duration(col.type):
                    unit = 1000
                if col.type == pa.date64():
                    col = col.cast(pa.date32())
                col = col.cast(pa.int32() if col.type.bit_width == 32 else pa.int64())
                lo, hi = [v * unit for v in pc.min_max(col).as_py().values()]
                if (s.min_raw, s.max_raw) != (lo, hi):
                    fail(where, s.min_raw, s.max_raw, lo, hi)
                continue
            lo, hi = pc.min_max(col).as_py().values()
            got_lo, got_hi = s.min, s.max
            if isinstance(lo, str):
                lo, hi = lo.encode(), hi.encode()
                got_lo, got_hi = [x.encode() if isinstance(x, str) else x for x in (got_lo, got_hi)]
            if isinstance(lo, bytes):
                ok = (got_lo == lo if len(lo) <= 64 else lo.startswith(got_lo) and len(got_lo) > 60)
                ok = ok and (got_hi == hi if len(hi) <= 64 else hi < got_hi and len(got_hi) <= 68)
            else:
                ok = got_lo == lo and got_hi == hi
                if isinstance(lo, float) and lo == 0:
                    ok = ok and math.copysign(1, got_lo) < 0
            if not ok:
                fail(where, got_lo, got_hi, 'instead of', lo, hi)


def main():
    files = sorted(glob.glob(sys.argv[1] + '/*.parquet'))
    for path in files:
        name = path.rsplit('/', 1)[1]
        want = pa.ipc.open_stream(path[:-8] + '.arrow').read_all()
        f = pq.ParquetFile(path, page_checksum_verification=True)
        try:
            got = f.read()
        except Exception as e:
            fail(name, repr(e))
            for c in want.schema.names:
                try:
                    f.read([c])
                except Exception as e:
                    print('   ', c, want.schema.field(c).type, repr(e))
            continue
        if got.num_rows != want.num_rows:
            fail(name, got.num_rows, 'rows instead of', want.num_rows)
            continue
        if f.metadata.created_by != 'inoculate' or set(f.metadata.metadata or {}) - {b'ARROW:schema'}:
            fail(name, f.metadata.created_by, f.metadata.metadata)
        for n in want.schema.names:
            g, w = got.column(n), want.column(n)
            if got.schema.field(n).nullable != want.schema.field(n).nullable:
                fail(name, n, 'nullable:', got.schema.field(n).nullable)
            if g.type != w.type:
                if str(g.type) not in ('date32[day]', 'timestamp[ms]', 'timestamp[ms, tz=UTC]', 'time32[ms]', 'list<element: timestamp[ms, tz=UTC]>', 'list<element: timestamp[ms, tz=UTC] not null>'):
                    fail(name, n, g.type, 'instead of', w.type)
                g = g.cast(w.type)
            g.validate(full=True)
            if not g.equals(w):
                at = next((i for i in range(len(g)) if not g[i].equals(w[i])), None)
                fail(name, n, w.type, 'row', at, g[at] if at is not None else '', 'instead of', w[at] if at is not None else '')
        check_bounds(name, f.metadata, want)
    print(len(files), 'files,', bad, 'differences')
    sys.exit(bad > 0 or not files)


main()
