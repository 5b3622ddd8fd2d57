package house

import (
	"slices"
	"strings"
	"testing"
)

// A ring is how far from the middle a package stands. Imports go inward or stay within a ring.
type ring int

const (
	words ring = iota // pure: no I/O, no clock, no environment
	hands             // they do one thing each, and declare what they need of others
	edges             // they meet the world: databases, browsers, the command line
	tests             // only tests import them
)

// A room is one package: its place, its ring, what it may import of ours, and what it is for.
type room struct {
	path    string
	ring    ring
	imports string // packages or rings, separated by spaces
	about   string
}

// plan is the import table. A package that is not in it has no place in the house yet: give it a line.
//
// Files of tests are not bound by it, but nothing imports cmd.
var plan = []room{
	{"status", words, "", "pages, components, incidents, maintenances: the life cycle as pure functions"},
	{"access", words, "status", "people, roles and tokens, and who may do what"},
	{"lease", words, "", "at most one node acts"},
	{"document", words, "status", "the YAML documents, read strictly"},
	{"markup", words, "", "Markdown as safe HTML and as plain text"},
	{"calendar", words, "status markup", "a maintenance as an entry of a calendar"},
	{"api", words, "status", "the native wire: JSON types, problems, the Go client"},

	{"snapshot", hands, "", "bodies rendered once, compressed once, served to all"},
	{"clock", hands, "", "the time of day, and the same driven by hand"},
	{"board", hands, "status api", "an immutable picture of now, rebuilt from the feed of events"},
	{"keeper", hands, "status", "the only writer: does what is asked and what is due"},
	{"mail", hands, "", "letters, signed and handed to relays, and the bounces that come back"},
	{"webhook", hands, "", "posts to endpoints that strangers named: signed, bounded, never inward"},
	{"notify", hands, "status mail webhook markup calendar", "subscribers, wording, the outbox, channels"},
	{"spool", hands, "", "accepted means durable: what was accepted is handed over later"},
	{"spool/jetstream", hands, "spool", "the spool's journal on several machines"},
	{"spool/desk", hands, "spool", "what lies in a spool, for operators over HTTP"},
	{"mx", hands, "spool mail", "the SMTP door in front of the product's mail server, and behind its senders"},
	{"signature", hands, "", "who signed a webhook: the schemes of those who send them"},
	{"messages", hands, "spool webhook", "deliver this, then: the door for scheduled messages"},
	{"upstream", hands, "", "connections to the product: addresses, health, balancing"},
	{"cache", hands, "", "answers kept while the product runs, for when it is away"},
	{"gate", hands, "status api upstream cache spool signature", "the proxy that keeps the promises"},
	{"runbook", hands, "status api document", "steps, runner, journal, roll-back"},
	{"page", hands, "status markup calendar board snapshot notify", "the public page, its reports, feeds and calendar"},

	{"examples", edges, "", "documents to start from, embedded"},
	{"store", edges, "words notify", "the tables; one SQL text for SQLite and PostgreSQL"},
	{"statuspage", edges, "words board keeper notify snapshot", "the Statuspage-compatible API"},
	{"web", edges, "words hands store statuspage", "the HTTP door; mounts page and statuspage"},
	{"cmd/interlude", edges, "words hands edges", "subcommands, configuration, wiring; knows everybody"},

	{"store/storetest", tests, "words hands store", "the conformance suite of the store, for each engine"},
	{"spool/spooltest", tests, "spool", "the conformance suites of spool and journal, and a disk that forgets"},
	{"browser", tests, "words hands edges", "the page in a real browser"},
	{"compat", tests, "", "clients that others wrote, against a running server"},
	{"house", tests, "", "the laws of the repository"},
}

// find gives the line of the plan for a package.
func find(path string) (room, bool) {
	i := slices.IndexFunc(plan, func(r room) bool { return r.path == path })
	if i < 0 {
		return room{path: path, ring: edges}, false
	}
	return plan[i], true
}

// allowed spells out what a room may import, rings written as their packages.
func (r room) allowed() []string {
	rings := map[string]ring{"words": words, "hands": hands, "edges": edges}
	var paths []string
	for name := range strings.FieldsSeq(r.imports) {
		of, isRing := rings[name]
		if !isRing {
			paths = append(paths, name)
			continue
		}
		for _, other := range plan {
			if other.ring == of && other.path != r.path {
				paths = append(paths, other.path)
			}
		}
	}
	return paths
}

func TestThePlanPointsInward(t *testing.T) {
	for _, r := range plan {
		for _, path := range r.allowed() {
			other, ok := find(path)
			switch {
			case !ok:
				t.Errorf("plan: %s may import %s, which has no line of its own", r.path, path)
			case other.ring > r.ring:
				t.Errorf("plan: %s may import %s, which stands further out; let %s declare the interface it needs",
					r.path, path, r.path)
			}
		}
	}
}

func TestEveryPackageIsInThePlan(t *testing.T) {
	for _, p := range packages(t) {
		if _, ok := find(p.path()); !ok {
			t.Errorf("%s: not in the plan; give it a line in house/plan_test.go, or put its files into the package they serve",
				p.path())
		}
	}
}

func TestPackagesImportWhatThePlanAllows(t *testing.T) {
	for _, p := range packages(t) {
		r, ok := find(p.path())
		if !ok {
			continue // said above
		}
		allowed := r.allowed()
		for _, path := range ours(p.Imports) {
			if !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s; it may import %s. Declare in %s a small interface for what it needs, and let cmd wire it",
					r.path, path, orNothing(allowed), r.path)
			}
		}
	}
}

func TestTestsDoNotImportCommands(t *testing.T) {
	for _, p := range packages(t) {
		for _, path := range ours(slices.Concat(p.TestImports, p.XTestImports)) {
			if strings.HasPrefix(path, "cmd/") && path != p.path() {
				t.Errorf("%s: its tests import %s; test the package that the command calls, or test the command where it is",
					p.path(), path)
			}
		}
	}
}

// ours gives the packages among imports that belong to the repository, by their place in it.
func ours(imports []string) []string {
	var paths []string
	for _, path := range imports {
		if place, ok := strings.CutPrefix(path, module+"/"); ok {
			paths = append(paths, place)
		}
	}
	return paths
}

// orNothing writes a list of packages for a sentence.
func orNothing(paths []string) string {
	if len(paths) == 0 {
		return "nothing of ours"
	}
	return strings.Join(paths, ", ")
}
