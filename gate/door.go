package gate

// Door is what somebody who takes the traffic of a flow that is not HTTP has to know of it, and tells: see [Config.Others].
//
// It stays good when the configuration is reloaded. A flow that a reload took away is never interrupted, and what is told of
// it is nobody's.
type Door struct {
	gate *Gate
	flow string
}

// Door is that of a flow; nil when the gate has none of this name.
func (g *Gate) Door(flow string) *Door {
	d := &Door{g, flow}
	if d.lane() == nil {
		return nil
	}
	return d
}

func (d *Door) lane() *lane {
	d.gate.mu.Lock()
	defer d.gate.mu.Unlock()
	return d.gate.lanes[d.flow]
}

// Interrupted reports whether the product is away. What comes then is for later; the product has to be left alone.
func (d *Door) Interrupted() bool {
	l := d.lane()
	return l != nil && phase(l.phase.Load()) == interrupted
}

// Normal reports whether what comes now goes straight on: the flow is not interrupted, and nothing that waited is before it.
func (d *Door) Normal() bool {
	l := d.lane()
	return l == nil || phase(l.phase.Load()) == normal
}

// Enter counts something that is about to be with the product among what an interruption waits for, and is false while the flow is
// interrupted. Whoever entered has to leave, once; leaving without having entered does nothing.
func (d *Door) Enter() (leave func(), entered bool) {
	l := d.lane()
	switch {
	case l == nil:
		return func() {}, true
	case !l.enterQueued():
		return func() {}, false
	}
	return l.leave, true
}

// Concerned reports whether a maintenance concerns the flow: then a product that fails is an interruption and not an error.
func (d *Door) Concerned() bool {
	l := d.lane()
	return l != nil && l.concerned()
}

// Failed tells that the product was not there for somebody.
func (d *Door) Failed(err error) {
	if l := d.lane(); l != nil && l.concerned() {
		d.gate.finds.failed(l, false, err.Error())
	}
}

// Well tells that the product was there for somebody.
func (d *Door) Well() {
	if l := d.lane(); l != nil {
		d.gate.finds.well(l)
	}
}

// Count counts what became of something that came, once, in the words of [api.Counts]: passed, held, queued, rejected, failed,
// gone. Other words count nothing.
func (d *Door) Count(became string) {
	l := d.lane()
	if l == nil {
		return
	}
	for o := range outcomes {
		if o.String() == became {
			l.counts.by[o].Add(1)
			return
		}
	}
}

// concerned reports whether a window is open, or the flow is not normal.
func (l *lane) concerned() bool {
	return l.window.Load() != nil || phase(l.phase.Load()) != normal
}
