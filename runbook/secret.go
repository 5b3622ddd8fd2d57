package runbook

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"example.org/interlude/status"
)

// Secret is a value that may be one. It stands as a text, in which $NAME and ${NAME} are taken from the environment and $$ is
// a dollar, or as {file: PATH} or {command: [PROGRAM, ARGUMENT…]}.
type Secret struct {
	Word    string   `json:",omitempty" yaml:"-"`
	File    string   `json:",omitempty" yaml:"file"`
	Command []string `json:",omitempty" yaml:"command"`
}

// UnmarshalText takes the form of a text.
func (s *Secret) UnmarshalText(b []byte) error {
	s.Word = strings.TrimSpace(string(b))
	for _, found := range variable.FindAllString(s.Word, -1) {
		if found == "$" {
			return &status.Invalid{Rule: "has a $ that begins no name of a variable: write $NAME, or $$ for a dollar"}
		}
	}
	return nil
}

func (s Secret) isZero() bool { return s.Word == "" && s.File == "" && len(s.Command) == 0 }

// String says where the value comes from, and never what it is: a text that holds a password is shown without.
func (s Secret) String() string {
	switch {
	case s.File != "":
		return "file " + s.File
	case len(s.Command) > 0:
		return "command " + s.Command[0]
	case !strings.Contains(s.Word, "$") && len(passwords(s.Word)) > 0:
		return "(given in the file)"
	}
	return s.Word
}

var (
	variable = regexp.MustCompile(`\$\$|\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_]*\}|\$`)
	hostMark = regexp.MustCompile(`\{\{\s*\.Host\s*\}\}`)
)

// Vault resolves secrets, and takes those that it has resolved out of texts. It may be used by many at once.
type Vault struct {
	// Env is where $NAME is looked up.
	Env func(string) string

	mutex  sync.Mutex
	hidden []string
}

// Hidden is what stands in the place of a secret.
const Hidden = "•••"

// shortestSecret is how long a value is at least that is taken out of texts: shorter ones would blacken what is none.
const shortestSecret = 4

// Resolve gives the value of a secret.
func (v *Vault) Resolve(ctx context.Context, s Secret) (string, error) {
	switch {
	case s.File != "":
		data, err := os.ReadFile(s.File)
		if err != nil {
			return "", fmt.Errorf("read a secret: %w", err)
		}
		return v.kept(strings.TrimRight(string(data), "\r\n"), s)
	case len(s.Command) > 0:
		return v.asked(ctx, s)
	}
	var missing error
	value := variable.ReplaceAllStringFunc(s.Word, func(name string) string {
		if name == "$$" {
			return "$"
		}
		name = strings.Trim(name, "${}")
		value := v.Env(name)
		if value == "" {
			missing = cmp.Or(missing, fmt.Errorf("the environment has no %s, which the runbook takes a value from: set it, or give {file: …} or {command: […]}", name))
		}
		v.hide(value)
		return value
	})
	if missing != nil {
		return "", missing
	}
	for _, password := range passwords(value) {
		v.hide(password)
	}
	return value, nil
}

// asked gives what a command prints.
func (v *Vault) asked(ctx context.Context, s Secret) (string, error) {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	c := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...)
	c.WaitDelay = time.Second
	var out bytes.Buffer
	c.Stdout = &out
	if err := c.Run(); err != nil { // what it said may hold the secret, and is not shown
		return "", fmt.Errorf("the command %s, which is to print a secret: %w", s.Command[0], err)
	}
	return v.kept(strings.TrimRight(out.String(), "\r\n"), s)
}

// kept remembers a value that is a secret as a whole.
func (v *Vault) kept(value string, from Secret) (string, error) {
	if value == "" {
		return "", fmt.Errorf("%s is empty, which is to give a secret", from)
	}
	v.hide(value)
	for _, password := range passwords(value) {
		v.hide(password)
	}
	return value, nil
}

func (v *Vault) hide(value string) {
	if len(value) < shortestSecret {
		return
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	quoted, _ := json.Marshal(value)
	for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), strings.Trim(string(quoted), `"`)} {
		if !slices.Contains(v.hidden, form) {
			v.hidden = append(v.hidden, form)
		}
	}
	slices.SortFunc(v.hidden, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) }) // the longest first
}

// Redact takes the secrets that were resolved so far out of a text.
func (v *Vault) Redact(text string) string {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	for _, secret := range v.hidden {
		text = strings.ReplaceAll(text, secret, Hidden)
	}
	return text
}

// passwords are those in a text that is an address or a connection string.
func passwords(text string) []string {
	var found []string
	if u, err := url.Parse(text); err == nil && u.User != nil {
		if password, given := u.User.Password(); given && password != "" {
			found = append(found, password)
		}
	}
	if strings.Contains(text, "=") || strings.Contains(text, "://") {
		if !strings.Contains(text, "password") && len(found) == 0 {
			return nil // what PGPASSWORD or a password file says is not in the text
		}
		if c, err := pgconn.ParseConfig(text); err == nil && c.Password != "" && !slices.Contains(found, c.Password) {
			found = append(found, c.Password)
		}
	}
	return found
}
