package examples_test

import (
	"bytes"
	"io/fs"
	"testing"

	"example.org/interlude/document"
	"example.org/interlude/examples"
)

func TestEveryExampleIsOneDocument(t *testing.T) {
	files, err := fs.Glob(examples.FS, "*.yaml")
	if err != nil || len(files) != 5 {
		t.Fatalf("got %v, %v, want five files", files, err)
	}
	for _, name := range files {
		data, err := fs.ReadFile(examples.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := document.Read(bytes.NewReader(data), name); err != nil || len(found) != 1 {
			t.Errorf("got %d documents, %v, want one", len(found), err)
		}
	}
}
