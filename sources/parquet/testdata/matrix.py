# Writes Parquet files over all types, encodings, codecs and page layouts that pyarrow has.
#   matrix.py OUT [ROWS]     writes OUT/*.parquet; same arguments, same values
import datetime
import decimal
import itertools
import os
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

CODECS = ['none', 'snappy', 'gzip', 'brotli', 'lz4', 'zstd']
WORDS = ['', 'a', 'é', 'the quick brown fox', 'x' * 15, 'x' * 16, 'x' * 17, '\U0001f600' * 5, 'line\nline', '\0']


def table(n, nulls, rng):
    def col(typ, make, p=0.2):
        return pa.array([None if nulls and rng.random() < p else make(i) for i in range(n)], typ)

    def word(i):
        return rng.choice(WORDS) if rng.random() < .7 else ''.join(rng.choices('abcdef ', k=rng.randrange(60)))

    def integer(bits, signed=True):
        lo, hi = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        return lambda i: rng.choice([lo, hi, 0, i % 100, rng.randint(lo, hi)])

    def dec(digits, scale):
        return lambda i: decimal.Decimal(rng.choice([-1, 1]) * rng.randrange(10**rng.randrange(1, digits + 1))).scaleb(-scale, decimal.Context(prec=80))

    def lst(make, most=4):
        return lambda i: [None if nulls and rng.random() < .2 else make(i) for _ in range(rng.randrange(most))]

    def opt(make):
        return lambda i: None if nulls and rng.random() < .2 else make(i)

    turn = pa.struct([('role', pa.string()), ('content', pa.string())])
    deep = pa.struct([('a', pa.list_(pa.struct([('b', pa.list_(pa.int16())), ('c', pa.struct([('d', pa.bool_())]))]))), ('e', pa.float32())])
    c = {
        'bool': col(pa.bool_(), lambda i: rng.random() < .5),
        'bool_runs': col(pa.bool_(), lambda i: i // 97 % 2 == 0, .01),
        'i8': col(pa.int8(), integer(8)), 'i16': col(pa.int16(), integer(16)), 'i32': col(pa.int32(), integer(32)), 'i64': col(pa.int64(), integer(64)),
        'u8': col(pa.uint8(), integer(8, False)), 'u16': col(pa.uint16(), integer(16, False)), 'u32': col(pa.uint32(), integer(32, False)), 'u64': col(pa.uint64(), integer(64, False)),
        'f16': col(pa.float16(), lambda i: i % 7 - 2.5), 'f32': col(pa.float32(), lambda i: rng.random()), 'f64': col(pa.float64(), lambda i: rng.choice([rng.random(), float('nan'), float('-inf'), -0.0])),
        'dec4': col(pa.decimal128(4, 2), dec(4, 2)), 'dec15': col(pa.decimal128(15, 3), dec(15, 3)), 'dec38': col(pa.decimal128(38, 10), dec(38, 10)), 'dec70': col(pa.decimal256(70, 5), dec(70, 5)),
        'dec256_small': col(pa.decimal256(20, 2), dec(20, 2)),
        'date': col(pa.date32(), lambda i: datetime.date(1970, 1, 1) + datetime.timedelta(days=rng.randrange(-9999, 30000))),
        'date64': col(pa.date64(), lambda i: datetime.date(2000, 1, 1 + i % 28)),
        't_s': col(pa.time32('s'), lambda i: i % 86400), 't_ms': col(pa.time32('ms'), lambda i: rng.randrange(86400000)), 't_us': col(pa.time64('us'), lambda i: rng.randrange(86400000000)), 't_ns': col(pa.time64('ns'), lambda i: rng.randrange(86400000000000)),
        'ts_s': col(pa.timestamp('s'), lambda i: i * 1000), 'ts_ms': col(pa.timestamp('ms'), integer(40)), 'ts_us': col(pa.timestamp('us', 'UTC'), integer(50)), 'ts_ns': col(pa.timestamp('ns', 'Europe/Berlin'), lambda i: integer(51)(i) * 1000),
        'duration': col(pa.duration('ms'), integer(50)),
        'str': col(pa.string(), word), 'lstr': col(pa.large_string(), word), 'bin': col(pa.binary(), lambda i: rng.randbytes(rng.randrange(20))), 'lbin': col(pa.large_binary(), lambda i: rng.randbytes(rng.randrange(20))),
        'fsb': col(pa.binary(7), lambda i: rng.randbytes(7)), 'fsb_same': col(pa.binary(3), lambda i: [b'abc', b'abd'][i % 2]),
        'null': pa.nulls(n), 'sview': col(pa.string_view(), word),
        'dict': col(pa.string(), lambda i: WORDS[i % 5]).dictionary_encode(), 'dict_i': col(pa.int64(), lambda i: i % 9).dictionary_encode(),
        'uuid': pa.ExtensionArray.from_storage(pa.uuid(), col(pa.binary(16), lambda i: rng.randbytes(16))),
        'json': pa.ExtensionArray.from_storage(pa.json_(pa.string()), col(pa.string(), lambda i: '{"a":%d}' % i)),
        'list': col(pa.list_(pa.int32()), lst(integer(32))), 'llist': col(pa.large_list(pa.string()), lst(word)),
        'fslist': col(pa.list_(pa.float32(), 3), lambda i: [opt(lambda i: rng.random())(i) for _ in range(3)]),
        'list_fsl': col(pa.list_(pa.list_(pa.int8(), 2)), lst(lambda i: [1, i % 100])),
        'list2': col(pa.list_(pa.list_(pa.string())), lst(lst(word))),
        'turns': col(pa.list_(turn), lst(lambda i: {'role': opt(lambda i: 'user')(i), 'content': opt(word)(i)}, 6)),
        'struct': col(turn, lambda i: {'role': opt(lambda i: 'system')(i), 'content': opt(word)(i)}),
        'deep': col(deep, lambda i: {'a': opt(lst(lambda i: {'b': opt(lst(integer(16)))(i), 'c': opt(lambda i: {'d': opt(lambda i: i % 2 == 0)(i)})(i)}))(i), 'e': opt(lambda i: 1.5)(i)}),
        'map': col(pa.map_(pa.string(), pa.int32()), lambda i: [(str(k), opt(integer(32))(i)) for k in range(rng.randrange(4))]),
        'map_list': col(pa.map_(pa.int8(), pa.list_(pa.string())), lambda i: [(k, opt(lst(word))(i)) for k in range(rng.randrange(3))]),
        'list_map': col(pa.list_(pa.map_(pa.string(), turn)), lst(lambda i: [('k', opt(lambda i: {'role': 'r', 'content': opt(word)(i)})(i))])),
        'nulls_only': pa.nulls(n, pa.list_(pa.string())) if nulls else col(pa.list_(pa.string()), lambda i: []),
        'sparse': col(pa.string(), word, .98), 'long': col(pa.string(), lambda i: 'y' * 5000 if i % 50 == 0 else str(i)),
        'list_fsl_lstr': col(pa.list_(pa.list_(pa.large_string(), 2)), lst(opt(lambda i: [opt(word)(i), word(i)]))),
        'list_fsl_struct': col(pa.list_(pa.list_(pa.struct([('s', pa.string()), ('l', pa.large_string()), ('m', pa.list_(pa.string()))]), 2)),
                               lst(opt(lambda i: [opt(lambda i: {'s': word(i), 'l': opt(word)(i), 'm': lst(word)(i)})(i) for _ in range(2)]))),
        'fsl_fsl': col(pa.list_(pa.list_(pa.string(), 2), 2), lambda i: [opt(lambda i: [word(i), opt(word)(i)])(i) for _ in range(2)]),
    }
    t = pa.table(c)
    if not nulls:  # required columns have no definition levels
        t = t.cast(pa.schema([f.with_nullable(f.name in ('null', 'i32', 'list')) for f in t.schema]))
    return t


def encodings(t, k):
    """Every encoding that a column can have besides dictionaries, turn by turn."""
    out = {}

    def walk(f, path):
        typ = f.type
        if pa.types.is_nested(typ):
            for s in ([typ.field(i) for i in range(typ.num_fields)]):
                inner = s.name
                if pa.types.is_map(typ):
                    inner = 'key_value'
                elif not pa.types.is_struct(typ):
                    inner = 'list.element'
                walk(s, f'{path}.{inner}')
            return
        choice = ['PLAIN']
        if pa.types.is_boolean(typ):
            choice = ['PLAIN', 'RLE']
        elif typ in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(), pa.date32()) or pa.types.is_timestamp(typ) or pa.types.is_time(typ):
            choice = ['DELTA_BINARY_PACKED', 'BYTE_STREAM_SPLIT', 'PLAIN']
        elif typ in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary()):
            choice = ['DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY', 'PLAIN']
        elif typ in (pa.float32(), pa.float64(), pa.float16()):
            choice = ['BYTE_STREAM_SPLIT', 'PLAIN']
        elif pa.types.is_fixed_size_binary(typ) or pa.types.is_decimal(typ) and typ.precision > 18:
            choice = ['BYTE_STREAM_SPLIT', 'DELTA_BYTE_ARRAY', 'PLAIN']
        out[path] = choice[k % len(choice)]

    for f in t.schema:
        if '.' not in f.name and not pa.types.is_map(f.type) and f.name != 'list_map':
            walk(f, f.name)
    return out


def main():
    out, n = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1200
    rng = random.Random(11)
    tables = {True: table(n, True, rng), False: table(n, False, rng)}
    k = 0
    for page, codec, use_dict, size, nulls in itertools.product(['1.0', '2.0'], CODECS, [True, False], [700, 1 << 20], [True, False]):
        k += 1
        t = tables[nulls]
        opts = dict(data_page_version=page, compression=codec, data_page_size=size, row_group_size=[n, n // 3, 100][k % 3],
                    write_page_checksum=k // 2 % 2 == 0, store_schema=k % 5 != 0, use_compliant_nested_type=k % 4 != 0,
                    version=['2.6', '1.0', '2.4'][k % 3], write_batch_size=[1024, 64, 7][k % 3], write_page_index=k % 4 == 1)
        if use_dict:
            opts['use_dictionary'] = True
            opts['dictionary_pagesize_limit'] = [1 << 20, 300][k // 2 % 2]  # the second falls back in the middle of a chunk
        elif opts['use_compliant_nested_type']:
            opts['use_dictionary'] = False
            opts['column_encoding'] = encodings(t, k // 2)
        else:
            opts['use_dictionary'] = False
        if k % 7 == 0 and 'column_encoding' not in opts:
            opts['use_deprecated_int96_timestamps'] = True
        name = f'{k:03d}-v{page[0]}-{codec}-{"dict" if use_dict else "plain"}-{size}-{"null" if nulls else "full"}.parquet'
        pq.write_table(t, os.path.join(out, name), **opts)


if __name__ == '__main__':
    main()
