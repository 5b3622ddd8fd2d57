package statuspage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// saved are the files of a folder into which a page was saved. Those of version 2 are called as there.
var saved = []struct {
	name  string
	kind  PartKind
	state string
}{
	{"summary.json", PartSummary, ""},
	{"components.json", PartComponents, ""},
	{"incidents.json", PartIncidents, ""},
	{"incidents-unresolved.json", PartIncidents, ""},
	{"scheduled-maintenances.json", PartMaintenances, ""},
	{"scheduled-maintenances-upcoming.json", PartMaintenances, ""},
	{"scheduled-maintenances-active.json", PartMaintenances, ""},
	{"page-v1.json", PartManagedPage, ""},
	{"components-v1.json", PartManagedComponents, ""},
	{"component-groups-v1.json", PartGroups, ""},
	{"incidents-v1.json", PartManagedIncidents, ""},
	{"subscribers-v1.json", PartSubscribers, "active"},
	{"subscribers-unconfirmed-v1.json", PartSubscribers, "unconfirmed"},
	{"incident-templates-v1.json", PartTemplates, ""},
	{"metrics-v1.json", PartMetrics, ""},
}

// largestFile bounds a saved file: of a list it may hold all pages, one after the other.
const largestFile = 256 << 20

// ReadFolder reads a page that was saved into a folder. name is what the report calls it.
//
// Each file is optional, but one has to name the page: summary.json or page-v1.json. The pages of a list may stand in one
// file, one after the other.
func ReadFolder(folder fs.FS, name string) (Source, error) {
	from := Source{From: name}
	named := false
	for _, s := range saved {
		data, err := readFile(folder, s.name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return from, fmt.Errorf("%s: %w", path.Join(name, s.name), err)
		}
		named = named || s.kind == PartSummary || s.kind == PartManagedPage
		from.Parts = append(from.Parts, Part{Kind: s.kind, Name: path.Join(name, s.name), Data: data, State: s.state})
	}
	if !named {
		return from, fmt.Errorf("%s: holds neither summary.json (of version 2) nor page-v1.json (of version 1), one of which names the page", name)
	}
	return from, nil
}

func readFile(folder fs.FS, name string) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read it: %w", err)
	case len(data) > largestFile:
		return nil, fmt.Errorf("is larger than %d MiB", largestFile>>20)
	}
	return data, nil
}
