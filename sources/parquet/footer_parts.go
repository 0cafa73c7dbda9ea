package parquet

import "github.com/parquet-go/parquet-go/format"

func (c *cursor) element() (e element) {
	e.converted = -1
	if !c.enter(tStruct) {
		return e
	}
	defer c.leave()
	var last int16
	for {
		id, typ, ok := c.field(&last)
		if !ok {
			return e
		}
		switch id {
		case 1:
			e.phys, e.isLeaf = format.Type(c.i32(typ)), true
		case 2:
			e.length = c.i32(typ)
		case 3:
			e.rep = format.FieldRepetitionType(c.i32(typ))
		case 4:
			e.name = string(c.binary(typ))
		case 5:
			e.children = c.i32(typ)
		case 6:
			e.converted = c.i32(typ)
		case 7:
			e.scale = c.i32(typ)
		case 8:
			e.precision = c.i32(typ)
		case 10:
			e.logical = c.logical(typ)
		default:
			c.skip(typ)
		}
	}
}

func (c *cursor) logical(typ byte) (l logicalType) {
	if !c.enter(typ) {
		return l
	}
	defer c.leave()
	var last int16
	for {
		id, typ, ok := c.field(&last)
		if !ok {
			return l
		}
		l.id = id
		switch id {
		case logicalDecimal, logicalTime, logicalTimestamp, logicalInt:
			c.logicalBody(typ, &l)
		default:
			c.skip(typ)
		}
	}
}

// logicalBody reads the members of the LogicalType union that say more than their name.
func (c *cursor) logicalBody(typ byte, l *logicalType) {
	if !c.enter(typ) {
		return
	}
	defer c.leave()
	var last int16
	for {
		id, typ, ok := c.field(&last)
		if !ok {
			return
		}
		switch {
		case l.id == logicalDecimal && id == 1:
			l.scale = c.i32(typ)
		case l.id == logicalDecimal && id == 2:
			l.precision = c.i32(typ)
		case l.id == logicalInt && id == 1:
			l.bits = int8(c.int(typ, 8))
		case l.id == logicalInt && id == 2:
			l.signed = c.bool(typ)
		case id == 1:
			l.utc = c.bool(typ)
		case id == 2 && c.enter(typ):
			var lastUnit int16
			for {
				unit, typ, ok := c.field(&lastUnit)
				if !ok {
					break
				}
				l.unit = unit
				c.skip(typ)
			}
			c.leave()
		default:
			c.skip(typ)
		}
	}
}

func (c *cursor) keyValue() (key, value string) {
	if !c.enter(tStruct) {
		return "", ""
	}
	defer c.leave()
	var last int16
	for {
		id, typ, ok := c.field(&last)
		if !ok {
			return key, value
		}
		switch id {
		case 1:
			key = string(c.binary(typ))
		case 2:
			if v := c.binary(typ); key == "" || key == "ARROW:schema" { // the others can be large
				value = string(v)
			}
		default:
			c.skip(typ)
		}
	}
}

func (c *cursor) rowGroup() (g rowGroup) {
	if !c.enter(tStruct) {
		return g
	}
	defer c.leave()
	var last int16
	for {
		id, typ, ok := c.field(&last)
		if !ok {
			return g
		}
		switch id {
		case 1:
			for n := c.list(typ, tStruct); n > 0 && c.err == nil; n-- {
				g.chunks = append(g.chunks, c.chunk())
			}
		case 3:
			g.rows = c.i64(typ)
		default:
			c.skip(typ)
		}
	}
}

func (c *cursor) chunk() (k chunk) {
	if !c.enter(tStruct) {
		return k
	}
	defer c.leave()
	var last int16
	hasMeta := false
	for {
		id, typ, ok := c.field(&last)
		if !ok {
			break
		}
		switch id {
		case 1:
			if len(c.binary(typ)) > 0 {
				k.refused = "the data lies in another file"
			}
		case 3:
			c.chunkMeta(typ, &k)
			hasMeta = true
		case 8, 9:
			k.refused = "the column is encrypted"
			c.skip(typ)
		default:
			c.skip(typ)
		}
	}
	if !hasMeta && k.refused == "" {
		k.refused = "the column chunk has no metadata"
	}
	return k
}

func (c *cursor) chunkMeta(typ byte, k *chunk) {
	if !c.enter(typ) {
		return
	}
	defer c.leave()
	var last int16
	var dict int64
	for {
		id, typ, ok := c.field(&last)
		if !ok {
			break
		}
		switch id {
		case 1:
			k.phys = format.Type(c.i32(typ))
		case 4:
			k.codec = format.CompressionCodec(c.i32(typ))
		case 5:
			k.values = c.i64(typ)
		case 6:
			k.uncompressed = c.i64(typ)
		case 7:
			k.compressed = c.i64(typ)
		case 9:
			k.start = c.i64(typ)
		case 11:
			dict = c.i64(typ)
		default:
			c.skip(typ)
		}
	}
	if dict > 0 && dict < k.start { // some writers leave a 0 there
		k.start = dict
	}
}
