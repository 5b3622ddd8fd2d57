package status

// Delta is what changed in a store after a point of its feed, each thing in its last form.
//
// Seq grows by at least one with each transaction that changed anything. A delta since 0 is everything there is.
type Delta struct {
	Seq          int64
	Page         *Page
	Groups       []Group
	Components   []Component
	Maintenances []Maintenance
	Incidents    []Incident
	Series       []Series
	// Settings are the changes of components' own conditions, oldest first.
	Settings []Setting
}
