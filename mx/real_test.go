package mx

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.org/interlude/mail"
	"example.org/interlude/spool"
)

func TestSwaksIsServed(t *testing.T) {
	swaks := program(t, "swaks")
	p := behind(t, nil)
	r := stand(t, p.address, nil)
	for _, kept := range []bool{false, true} {
		r.interrupted.Store(kept)
		out, err := exec.CommandContext(t.Context(), swaks, "--server", r.address, "--from", "ann@client.example",
			"--to", "bob@example.com,carl@example.com", "--helo", "client.example", "--pipeline", "--header", "Subject: by swaks", "--body", ".\n..dots\n").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if want := map[bool]string{false: "250 2.6.0 Delivered", true: "250 2.0.0 Queued as e1"}[kept]; !strings.Contains(string(out), want) {
			t.Errorf("got %s, want %s", out, want)
		}
	}
	if got := p.only(t); len(got.to) != 2 || !strings.HasSuffix(got.message, "\r\n\r\n.\r\n..dots\r\n\r\n\r\n") {
		t.Errorf("got %q to %s", got.message, got.to)
	}
	if e := r.shelf.only(t); !strings.HasSuffix(string(e.Body), "\r\n\r\n.\r\n..dots\r\n\r\n\r\n") {
		t.Errorf("got %q", e.Body)
	}
}

func TestPythonIsServed(t *testing.T) {
	python := program(t, "python3")
	p := behind(t, nil)
	r := stand(t, p.address, nil)
	r.interrupted.Store(true)
	const script = `
import smtplib, sys, email.message, email.policy
m = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
m["From"], m["To"], m["Subject"] = "ann@client.example", "jürgen@example.com", "ünïcode"
m.set_content("Grüße\n.\n")
host, port = sys.argv[1].rsplit(":", 1)
with smtplib.SMTP(host, int(port), timeout=20) as s:
    s.send_message(m, mail_options=["RET=HDRS"], rcpt_options=["NOTIFY=FAILURE"])
`
	if out, err := exec.CommandContext(t.Context(), python, "-c", script, r.address).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	e := r.shelf.only(t)
	c := &Courier{Upstream: r.Upstream, Spool: &r.shelf}
	defer c.Close()
	if o := c.Deliver(t.Context(), e); o.Result != spool.Taken {
		t.Fatalf("got %+v, want taken", o)
	}
	got := p.only(t)
	if got.to[0] != "jürgen@example.com" || !got.mail.UTF8 || got.mail.Return != "HDRS" || !strings.HasSuffix(got.message, string(e.Body)) {
		t.Errorf("got %+v, want what Python sent", got)
	}
}

// free is an address that nobody listens at, and its port.
func free(t *testing.T) (address, port string) {
	address = nowhere(t)
	_, port, _ = strings.Cut(address, ":")
	return address, port
}

// listening waits until a server is there.
func listening(t *testing.T, address string) {
	until(t, "a server listens at "+address, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// rooted skips a test that has to start a mail system, which changes users.
func rooted(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a mail system has to be started by root")
	}
}

// open lets the users of a mail system into the directories of a test.
func open(t *testing.T, dir string) string {
	t.Helper()
	for d := dir; strings.HasPrefix(d, os.TempDir()) && d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// postfix starts one that delivers into directories, knows bob, and learns from XCLIENT who a client is.
func postfix(t *testing.T) (address, boxes string) {
	command := program(t, "postfix")
	rooted(t)
	dir := open(t, t.TempDir())
	address, _ = free(t)
	for _, d := range []string{"etc", "queue", "data", "boxes"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	services := address + " inet n - n - - smtpd\n"
	for _, line := range []string{
		"pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr", "rewrite unix - - n - - trivial-rewrite",
		"bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "proxymap unix - - n - - proxymap",
		"error unix - - n - - error", "retry unix - - n - - error", "virtual unix - n n - - virtual", "anvil unix - - n - 1 anvil", "postlog unix-dgram n - n - 1 postlogd",
	} {
		services += line + "\n"
	}
	settings := strings.ReplaceAll(`compatibility_level = 3.6
queue_directory = DIR/queue
data_directory = DIR/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = product.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
smtpd_authorized_xclient_hosts = 127.0.0.1
virtual_mailbox_domains = example.com
virtual_mailbox_base = DIR/boxes
virtual_mailbox_maps = inline:{bob@example.com=bob/}
virtual_minimum_uid = 1
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_recipient_restrictions = reject_unauth_destination
maillog_file = DIR/log
maillog_file_prefixes = DIR
`, "DIR", dir)
	for name, text := range map[string]string{"etc/master.cf": services, "etc/main.cf": settings} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	boxes = filepath.Join(dir, "boxes")
	for name, user := range map[string]int{"boxes": 65534, "data": uid(t, "postfix")} {
		if err := os.Chown(filepath.Join(dir, name), user, -1); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), command, "-c", filepath.Join(dir, "etc"), "start").CombinedOutput(); err != nil {
		t.Fatalf("postfix: %v: %s", err, out)
	}
	t.Cleanup(func() {
		_ = exec.CommandContext(context.WithoutCancel(t.Context()), command, "-c", filepath.Join(dir, "etc"), "stop").Run()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("Postfix says: %s", log)
		}
	})
	listening(t, address)
	return address, boxes
}

func uid(t *testing.T, name string) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "id", "-u", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	var id int
	if _, err := fmt.Sscan(string(out), &id); err != nil {
		t.Fatal(err)
	}
	return id
}

// arrived waits for a message in a directory of a mailbox.
func arrived(t *testing.T, box string, n int) []string {
	t.Helper()
	var files []string
	until(t, "mail is in "+box, func() bool {
		files, _ = filepath.Glob(filepath.Join(box, "new", "*"))
		return len(files) >= n
	})
	var messages []string
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, string(b))
	}
	return messages
}

func TestPostfixBehindTheDoor(t *testing.T) {
	address, boxes := postfix(t)
	r := stand(t, address, func(r *rig) { r.Upstream.XClient = true })
	message := "From: ann@client.example\r\nDate: Fri, 15 Jan 2027 05:59:00 +0000\r\n" + hello1 // so that Postfix adds neither
	if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, message); err != nil {
		t.Fatal(err)
	}
	if err := send(r.address, "ann@client.example", nil, []string{"nobody@example.com"}, message); err == nil || !strings.Contains(err.Error(), "User unknown in virtual mailbox table") {
		t.Errorf("got %v, want Postfix's own words", err)
	}
	c := &Courier{Name: "mx.example.com", Upstream: r.Upstream, Spool: &r.shelf, Bounces: "outgoing"}
	defer c.Close()
	env := envelopeTo("bob@example.com", "nobody@example.com")
	env.Body = "8BITMIME"
	for range 2 {
		if o := c.Deliver(t.Context(), entry(t, env, message)); o.Result != spool.Taken {
			t.Fatalf("got %+v, want taken", o)
		}
	}
	r.shelf.only(t) // the report of nobody
	body := strings.ReplaceAll(message, "\r\n", "\n")
	fromClient := 0
	for _, got := range arrived(t, filepath.Join(boxes, "bob"), 3) {
		if !strings.HasSuffix(got, body) {
			t.Errorf("got %q, want it to end with %q", got, body)
		}
		if strings.Contains(got, "from client.example (unknown [192.0.2.7])\n\tby product.test (Postfix)") {
			fromClient++
		}
	}
	if fromClient != 2 {
		t.Errorf("got %d messages from 192.0.2.7 in Postfix's eyes, want those 2", fromClient)
	}
}

func TestDovecotTakesMailByLMTP(t *testing.T) {
	command := program(t, "dovecot")
	rooted(t)
	dir := open(t, t.TempDir())
	address, port := free(t)
	boxes := filepath.Join(dir, "boxes")
	if err := os.Mkdir(boxes, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(boxes, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	settings := fmt.Sprintf(`protocols = lmtp
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
ssl = no
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 1
mail_location = maildir:~/mail
auth_username_format = %%Ln
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = passwd-file
  args = %[1]s/users
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = %[2]s
  }
}
`, dir, port)
	users := "bob::65534:65534::" + boxes + "/bob::\n"
	for name, text := range map[string]string{"dovecot.conf": settings, "users": users} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	server := exec.Command(command, "-F", "-c", filepath.Join(dir, "dovecot.conf"))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("Dovecot says: %s", log)
		}
	})
	listening(t, address)
	up := Upstream{Relay: mail.Relay{Address: address}, LMTP: true}
	s := &shelf{}
	c := &Courier{Name: "mx.example.com", Upstream: up, Spool: s, Bounces: "outgoing"}
	t.Cleanup(c.Close)
	if o := c.Deliver(t.Context(), entry(t, envelopeTo("bob@example.com", "nobody@example.com"), hello1)); o.Result != spool.Taken {
		t.Fatalf("got %+v, want taken", o)
	}
	b, err := mail.ReadBounce(strings.NewReader(string(s.only(t).Body)))
	if err != nil || b.Recipients[0].Address != "nobody@example.com" || b.Recipients[0].Code != 550 {
		t.Errorf("got %+v and %v, want a report of nobody", b, err)
	}
	r := stand(t, address, func(r *rig) { r.Upstream = up })
	if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1); err != nil {
		t.Fatal(err)
	}
	for _, message := range arrived(t, filepath.Join(boxes, "bob", "mail"), 2) {
		if !strings.HasSuffix(message, strings.ReplaceAll(hello1, "\r\n", "\n")) {
			t.Errorf("got %q", message)
		}
	}
}
