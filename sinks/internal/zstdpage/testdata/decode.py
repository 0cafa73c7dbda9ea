"""Decodes DIR/*.zst with the zstd of C, in one piece and as a stream, and compares with DIR/*.page."""
import glob
import os
import sys

import pyarrow as pa

codec, bad, n = pa.Codec("zstd"), 0, 0
for name in sorted(glob.glob(os.path.join(sys.argv[1], "*.zst"))):
    frame, page = open(name, "rb").read(), open(name[:-4] + ".page", "rb").read()
    n += 1
    for how, decode in (("in one piece", lambda: codec.decompress(frame, len(page), asbytes=True)),
                        ("as a stream", lambda: pa.CompressedInputStream(pa.BufferReader(frame), "zstd").read())):
        try:
            got = decode()
        except Exception as e:
            got = e
        if got != page:
            bad += 1
            print(f"{os.path.basename(name)} {how}: {got if isinstance(got, Exception) else 'other bytes'}")
print(f"{n} frames")
sys.exit(bad > 0 or n == 0)
