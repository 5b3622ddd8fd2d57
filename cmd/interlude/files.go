package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"example.org/interlude/document"
	"example.org/interlude/status"
)

// sheaf is the documents of several files, and where each of them stands.
type sheaf struct {
	documents []status.Document
	places    []place
}

// place is a document's file and which one of that file it is, from zero.
type place struct {
	name  string
	data  []byte
	index int
}

// gather reads documents from files, from every YAML and JSON file of folders, and from standard input, which is "-".
// The faults of all files are told together.
func (s *session) gather(paths []string) (*sheaf, error) {
	var files []string
	for _, path := range paths {
		found, err := filesOf(path)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	all := &sheaf{}
	var faults []error
	for _, name := range files {
		data, source, err := s.read(name)
		if err != nil {
			return nil, err
		}
		found, err := document.Read(bytes.NewReader(data), source)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		for i, d := range found {
			all.documents = append(all.documents, d)
			all.places = append(all.places, place{source, data, i})
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return all, nil
}

// filesOf is the file itself or, of a folder, the documents in it.
func filesOf(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
		found, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", path, err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: holds no documents (*.yaml, *.yml, *.json)", path)
	}
	slices.Sort(files)
	return files, nil
}

// read takes a whole file, up to what a document may be and one byte more, so that what is too large is seen.
func (s *session) read(name string) (data []byte, source string, err error) {
	from := s.stdin
	source = "standard input"
	if name != "-" {
		source = name
		f, err := os.Open(name)
		if err != nil {
			return nil, "", err
		}
		defer f.Close()
		from = f
	}
	data, err = io.ReadAll(io.LimitReader(from, document.MaxSize+1))
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", source, err)
	}
	return data, source, nil
}

// locate shows the line of the file that an error is about, for what could be found out only later: by the server, or
// once the page was known. Other errors stay as they are.
func (a *sheaf) locate(err error) error {
	var where *status.DocumentError
	var bad *status.Invalid
	if !errors.As(err, &where) || !errors.As(err, &bad) || where.Index < 0 || where.Index >= len(a.places) {
		return err
	}
	p := a.places[where.Index]
	return document.Locate(p.data, p.name, p.index, bad)
}
