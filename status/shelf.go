package status

// entry is what a book holds: an identifier, the key of those that have one, and a count of the changes that were
// saved.
type entry[T any] interface {
	ident() (id, key string)
	at() int64
	as(version int64) T
}

func (g Group) ident() (id, key string)       { return g.ID, "" }
func (g Group) at() int64                     { return g.Version }
func (g Group) as(v int64) Group              { g.Version = v; return g }
func (c Component) ident() (id, key string)   { return c.ID, "" }
func (c Component) at() int64                 { return c.Version }
func (c Component) as(v int64) Component      { c.Version = v; return c }
func (m Maintenance) ident() (id, key string) { return m.ID, m.Key }
func (m Maintenance) at() int64               { return m.Version }
func (m Maintenance) as(v int64) Maintenance  { m.Version = v; return m }
func (i Incident) ident() (id, key string)    { return i.ID, i.Key }
func (i Incident) at() int64                  { return i.Version }
func (i Incident) as(v int64) Incident        { i.Version = v; return i }
func (s Series) ident() (id, key string)      { return s.ID, s.Key }
func (s Series) at() int64                    { return s.Version }
func (s Series) as(v int64) Series            { s.Version = v; return s }

// index finds entries of a slice by id or key. A slice of a book only grows, or has an entry replaced by its next
// version, so an index is brought up to date by reading what was added.
type index struct {
	places map[string]int
	read   int
}

// find gives the place of an entry in the slice that the index belongs to.
func find[T entry[T]](x *index, in []T, ref string) (place int, found bool) {
	if x.places == nil || x.read > len(in) {
		*x = index{places: make(map[string]int, len(in))}
	}
	for ; x.read < len(in); x.read++ {
		id, key := in[x.read].ident()
		x.places[id] = x.read
		if _, taken := x.places[key]; key != "" && !taken {
			x.places[key] = x.read
		}
	}
	place, found = x.places[ref]
	return place, found && ref != ""
}

// rekey gives the entry in a place its new key, and frees the one that it had.
func rekey[T entry[T]](x *index, place int, was, is T) {
	_, old := was.ident()
	_, key := is.ident()
	if old == key {
		return
	}
	if at, there := x.places[old]; there && at == place {
		delete(x.places, old)
	}
	if _, taken := x.places[key]; key != "" && !taken {
		x.places[key] = place
	}
}

// get gives the entry with an id or key.
func get[T entry[T]](x *index, in []T, ref string) (T, bool) {
	if i, ok := find(x, in, ref); ok {
		return in[i], true
	}
	var none T
	return none, false
}

// put places v among what is there and among what is to be saved. Its version grows by one from the stored one,
// however often it is put in one transaction.
func put[T entry[T]](x *index, there *[]T, w *index, written *[]T, v T) {
	id, _ := v.ident()
	i, known := find(x, *there, id)
	if n, again := find(w, *written, id); again {
		v = v.as((*written)[n].at())
		(*written)[n] = v
	} else {
		stored := int64(0)
		if known {
			stored = (*there)[i].at()
		}
		v = v.as(stored + 1)
		*written = append(*written, v)
	}
	if known {
		rekey(x, i, (*there)[i], v)
		(*there)[i] = v
	} else {
		*there = append(*there, v)
	}
}
