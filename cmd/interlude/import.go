package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/document"
	"example.org/interlude/status"
	"example.org/interlude/statuspage"
)

// importCommands bring other pages over.
type importCommands struct {
	Statuspage importStatuspageCommand `cmd:"" help:"Bring a page over from Atlassian Statuspage, with its identifiers and its past."`
}

type importStatuspageCommand struct {
	From      string `arg:"" optional:"" name:"from" help:"Address of the page, such as https://status.example.com, or a folder into which it was saved."`
	Key       string `env:"STATUSPAGE_API_KEY" placeholder:"KEY" help:"Key of Statuspage's management API, which knows the whole past. Better in the environment."`
	Page      string `placeholder:"ID" help:"Identifier of the page there. Found out from the address, or when the key knows one page only."`
	API       string `name:"api" default:"https://api.statuspage.io/v1" placeholder:"URL" help:"Address of the management API. The key is sent nowhere else."`
	DryRun    bool   `help:"Only print what would change."`
	Documents string `placeholder:"FOLDER" help:"Write the documents into this folder instead of applying them: to look at, to change, to keep in git. Needs no server."`
	Force     bool   `help:"With --documents, overwrite files in the folder that say something else."`
	Format    string `default:"text" enum:"text,json" help:"Report as text, or as json, which --json means too."`
}

// Help explains what is read and what is taken over.
func (importStatuspageCommand) Help() string {
	return `Reads the page, prints what changes here, makes it so, and reports what was brought over, what was changed to fit, and what
stays behind. Identifiers are taken over, so that programs go on with another base address. Importing again changes nothing, and adds what
is new there; nothing here is taken away, and an event that went on here is left alone.

An address gives what everybody may read: the page, its components, and the latest 50 incidents and maintenances. A key gives the
whole past, how maintenances begin, subscribers and templates. The token needs the scope administer.

  interlude import statuspage https://status.example.com --dry-run
  STATUSPAGE_API_KEY=… interlude import statuspage https://status.example.com
  interlude import statuspage saved/ --documents documents/

docs/import.md tells what a saved folder holds.`
}

// Run imports.
func (c *importStatuspageCommand) Run(ctx context.Context, s *session) error {
	s.json = s.json || c.Format == "json"
	if c.Force && c.Documents == "" {
		return usage("--force goes with --documents, whose files it overwrites")
	}
	from, err := c.read(ctx, s)
	if err != nil {
		return err
	}
	if c.Documents != "" {
		return c.write(s, from)
	}
	client := s.client()
	have, err := presentAt(ctx, client)
	if err != nil {
		return err
	}
	found, err := statuspage.Import(from, have, time.Now())
	if err != nil {
		return err
	}
	s.task = counted(len(found.Documents), "document")
	client = s.client()
	plans, err := c.plan(ctx, client, found)
	if err != nil {
		return err
	}
	if !s.json {
		for _, p := range plans {
			s.printPlan(s.stdout, p.plan, "", "")
		}
		for _, x := range found.Extras.Settings {
			fmt.Fprintf(s.stdout, "~ component %q\n    status: %s\n", x.Name, x.Status)
		}
	}
	report := &found.Report
	if c.DryRun {
		report.Brought["status"] += len(found.Extras.Settings)
		err = c.send(ctx, s, found)
	} else {
		err = c.apply(ctx, s, client, plans, found)
	}
	if err != nil {
		return err
	}
	c.next(s, report, found.Documents[0].Page.Page)
	return s.tellImport(*report, !c.DryRun, changesOf(plans))
}

// read reads the other page from where the command line says that it is.
func (c *importStatuspageCommand) read(ctx context.Context, s *session) (statuspage.Source, error) {
	none := statuspage.Source{}
	isAddress := strings.HasPrefix(c.From, "https://") || strings.HasPrefix(c.From, "http://")
	switch {
	case c.From == "" && c.Key == "":
		return none, usage("give the address of the page, a folder, or --key")
	case c.From != "" && !isAddress:
		if info, err := os.Stat(c.From); err != nil || !info.IsDir() {
			return none, usage("%q is neither a folder nor an address, which begins with https:// or http://", c.From)
		}
		root, err := os.OpenRoot(c.From)
		if err != nil {
			return none, err
		}
		defer root.Close()
		return statuspage.ReadFolder(root.FS(), c.From)
	}
	for flag, address := range map[string]string{"the address": c.From, "--api": c.API} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "") {
			return none, usage("%s must be one such as https://status.example.com, without a user and without a query", flag)
		}
	}
	if !s.json {
		fmt.Fprintf(s.stderr, "Reading %s …\n", cmp.Or(c.From, c.API))
	}
	up := statuspage.Upstream{Address: pageAddress(c.From), API: c.API, Key: c.Key, Page: c.Page, UserAgent: "interlude/" + version()}
	return up.Read(ctx)
}

// pageAddress is the address of the page, of whatever was copied out of a browser.
func pageAddress(given string) string {
	before, _, _ := strings.Cut(given, "/api/v2")
	return strings.TrimSuffix(before, "/")
}

// presentAt is what the server has by now.
func presentAt(ctx context.Context, client *api.Client) (statuspage.Present, error) {
	var have statuspage.Present
	page, err := client.Page(ctx)
	if err != nil {
		return have, err
	}
	have.Page = page.Page
	if have.Components, err = client.Components(ctx); err != nil {
		return have, err
	}
	for cursor := ""; ; {
		some, err := client.Maintenances(ctx, api.MaintenanceFilter{Limit: api.LargestLimit, Cursor: cursor})
		if err != nil {
			return have, err
		}
		for _, m := range some.Items {
			have.Maintenances = append(have.Maintenances, m.Maintenance)
		}
		if cursor = some.Next; cursor == "" {
			break
		}
	}
	for cursor := ""; ; {
		some, err := client.Incidents(ctx, api.IncidentFilter{Limit: api.LargestLimit, Cursor: cursor})
		if err != nil {
			return have, err
		}
		for _, n := range some.Items {
			have.Incidents = append(have.Incidents, n.Incident)
		}
		if cursor = some.Next; cursor == "" {
			break
		}
	}
	have.Withdrawn, err = withdrawnAt(ctx, client)
	return have, err
}

// withdrawnAt are the events that were taken from the page: only the log of the server still knows them.
func withdrawnAt(ctx context.Context, client *api.Client) (map[string]bool, error) {
	gone := make(map[string]bool)
	for after := ""; ; {
		some, err := client.Events(ctx, api.EventFilter{After: after, Limit: api.LargestLimit})
		if err != nil {
			return nil, err
		}
		for _, e := range some.Items {
			if e.Kind == status.Withdrawn {
				gone[e.Subject.ID] = true
			}
		}
		if after = some.Next; after == "" {
			return gone, nil
		}
	}
}

// parcel is as many documents as go into one request, the page's always among them, and what they change.
type parcel struct {
	documents []status.Document
	plan      api.ApplyResult
}

// largestParcel bounds the documents of a request, in bytes of JSON, with room for what goes around them.
const largestParcel = api.LargestApply - 1<<20

// mostRefusals bounds how many documents are left out because the server refuses them: behind more there is another reason.
const mostRefusals = 100

// plan finds out what the documents change. One that the server refuses is left out, and the report says why.
func (c *importStatuspageCommand) plan(ctx context.Context, client *api.Client, found *statuspage.Imported) ([]parcel, error) {
	parcels, err := parcelsOf(found.Documents)
	if err != nil {
		return nil, err
	}
	refusals := 0
	for n := range parcels {
		p := &parcels[n]
		for {
			p.plan, err = client.Apply(ctx, api.ApplyRequest{Documents: p.documents, DryRun: true})
			var where *status.DocumentError
			if !errors.As(err, &where) || where.Index < 1 || where.Index >= len(p.documents) || refusals == mostRefusals {
				break
			}
			refusals++
			d := p.documents[where.Index]
			found.Leave(d, "the server here refuses it: "+where.Err.Error())
			p.documents = append(p.documents[:where.Index:where.Index], p.documents[where.Index+1:]...)
		}
		if err != nil {
			return nil, err
		}
	}
	return parcels, nil
}

func parcelsOf(documents []status.Document) ([]parcel, error) {
	page := documents[0]
	parcels := []parcel{{documents: []status.Document{page}}}
	size := 0
	for _, d := range documents[1:] {
		text, err := json.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", d.Source, err)
		}
		if size += len(text); size > largestParcel {
			size = len(text)
			parcels = append(parcels, parcel{documents: []status.Document{page}})
		}
		last := &parcels[len(parcels)-1]
		last.documents = append(last.documents, d)
	}
	return parcels, nil
}

func changesOf(parcels []parcel) []status.Change {
	changes := []status.Change{}
	for _, p := range parcels {
		changes = append(changes, p.plan.Changes...)
	}
	return changes
}

// apply makes what was planned, and then what no document can say.
func (c *importStatuspageCommand) apply(ctx context.Context, s *session, client *api.Client, parcels []parcel, found *statuspage.Imported) error {
	for n, p := range parcels {
		if len(p.plan.Changes) == 0 {
			continue
		}
		ask := api.ApplyRequest{Documents: p.documents, Plan: p.plan.Plan}
		if n > 0 {
			ask.Plan = "" // the page was made by the first one
		}
		if _, err := client.Apply(ctx, ask); err != nil {
			return err
		}
	}
	shown := make(map[string]status.Condition)
	components, err := client.Components(ctx)
	if err != nil {
		return err
	}
	for _, c := range components {
		shown[c.ID] = c.Status
	}
	for _, x := range found.Extras.Settings {
		if shown[x.ID] == x.Status {
			continue
		}
		if _, err := client.SetComponent(ctx, x.ID, x.Status); err != nil {
			return err
		}
		found.Report.Brought["status"]++
	}
	return c.send(ctx, s, found)
}

// send gives the server what no document can say.
func (c *importStatuspageCommand) send(ctx context.Context, s *session, found *statuspage.Imported) error {
	id := found.Documents[0].Page.Page.ID
	if id == "" { // the other page did not tell it
		page, err := s.client().Page(ctx)
		if err != nil {
			return err
		}
		id = page.ID
	}
	to := statuspage.Recipient{Server: s.server, Token: s.token, Page: id, Dry: c.DryRun}
	return to.Send(ctx, found.Extras, &found.Report)
}

// next says what remains to be done by people.
func (c *importStatuspageCommand) next(s *session, report *statuspage.ImportReport, page status.PageFields) {
	if c.DryRun {
		report.Next = append(report.Next, "run it again without --dry-run")
	}
	there := cmp.Or(page.URL, "the former page's address")
	if address := pageAddress(c.From); strings.HasPrefix(address, "http") {
		there = address
	}
	here := strings.TrimSuffix(s.server, "/")
	report.Next = append(report.Next,
		"let programs that read the page ask "+here+"/api/v2/ in place of "+there+"/api/v2/, or move the domain here",
		"let programs that change it ask "+here+"/v1/ in place of "+c.API+"; the page is still "+page.ID,
		`make a token for each of these: interlude token create "NAME" --scope operate`,
	)
}

// write writes the documents into a folder, in place of applying them.
func (c *importStatuspageCommand) write(s *session, from statuspage.Source) error {
	found, err := statuspage.Import(from, statuspage.Present{}, time.Now())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Documents, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(c.Documents)
	if err != nil {
		return err
	}
	defer root.Close()
	files, err := c.files(root, found.Documents)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := root.WriteFile(f.name, f.text, 0o644); err != nil {
			return err
		}
	}
	x := found.Extras
	if n := len(x.Settings) + len(x.Patches) + len(x.Subscribers) + len(x.Templates); n > 0 {
		found.Report.NotCarried = append(found.Report.NotCarried, statuspage.Note{
			Kind: "extras", What: fmt.Sprintf("%d statuses, settings, subscribers and templates, for no document can say them", n),
		})
	}
	found.Report.Next = append(found.Report.Next, "look at the documents, then: interlude apply -f "+c.Documents)
	return s.tellImport(found.Report, false, nil)
}

// documentFile is a document on its way into a folder.
type documentFile struct {
	name string
	text []byte
}

// files are the documents that the folder does not hold yet. It refuses to overwrite one that says something else, for
// somebody may have corrected it.
func (c *importStatuspageCommand) files(root *os.Root, documents []status.Document) ([]documentFile, error) {
	var files []documentFile
	var other []string
	for _, d := range documents {
		text, err := document.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Source, err)
		}
		f := documentFile{strings.ReplaceAll(d.Source, " ", "-") + ".yaml", text}
		have, err := root.ReadFile(f.name)
		switch {
		case err == nil && bytes.Equal(have, text):
			continue
		case err == nil:
			other = append(other, f.name)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
		files = append(files, f)
	}
	if len(other) > 0 && !c.Force {
		const most = 5
		names := strings.Join(other[:min(len(other), most)], ", ")
		if more := len(other) - most; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		return nil, fmt.Errorf("%s: says something else in %s, and nothing was written: give another folder, or --force to overwrite", c.Documents, names)
	}
	return files, nil
}

// tellImport prints the report.
func (s *session) tellImport(report statuspage.ImportReport, applied bool, changes []status.Change) error {
	answer := struct {
		statuspage.ImportReport
		Applied bool            `json:"applied"`
		Changes []status.Change `json:"changes,omitempty"`
	}{report, applied, changes}
	return s.print(answer, func(w io.Writer) {
		fmt.Fprintf(w, "\nImport of %q from %s\n", report.Page, report.From)
		counts := func(what string, of map[string]int) {
			var parts []string
			for _, kind := range statuspage.Kinds(of) {
				parts = append(parts, kindCounted(of[kind], kind))
			}
			fmt.Fprintf(w, "%s: %s\n", what, cmp.Or(strings.Join(parts, ", "), "nothing"))
		}
		counts("Brought over", report.Brought)
		counts("Already there", report.There)
		for _, part := range []struct {
			head  string
			notes statuspage.Notes
		}{{"Changed to fit", report.Fitted}, {"Left alone", report.LeftAlone}, {"Not carried", report.NotCarried}} {
			if len(part.notes) > 0 {
				fmt.Fprintf(w, "\n%s:\n", part.head)
			}
			for _, n := range part.notes {
				fmt.Fprintf(w, "  %s: %s\n", strings.TrimSpace(n.Kind+" "+n.Name), n.What)
			}
		}
		fmt.Fprint(w, "\nNext:\n")
		for _, line := range report.Next {
			fmt.Fprintf(w, "  - %s\n", line)
		}
		if !applied {
			fmt.Fprintln(w, "\nNothing was changed on the server.")
		}
	})
}

// kindCounted says how many there are of a kind.
func kindCounted(n int, kind string) string {
	if kind == "status" && n != 1 {
		return fmt.Sprintf("%d statuses", n)
	}
	return counted(n, kind)
}
