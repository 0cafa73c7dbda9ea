package schemas

// ApplyTo returns text with splices applied, which are the splices of one text in order; null says that it was null.
// It is what the kernel does to a text, for those who need a single one: checks, previews.
func ApplyTo(dst []byte, text []byte, splices []Edit) []byte {
	at := 0
	for _, e := range splices {
		if e.Null {
			return append(dst, e.New...)
		}
		dst = append(dst, text[at:e.At]...)
		dst = append(dst, e.New...)
		at = int(e.At) + len(e.Old)
	}
	return append(dst, text[at:]...)
}
