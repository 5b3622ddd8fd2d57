package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
)

// inNode posts with fetch, and sends mail with nodemailer.
const inNode = `
const [hooks, port, body] = process.argv.slice(1)
const nodemailer = require("nodemailer")
async function send() {
  const answer = await fetch(hooks, {method: "POST", body, headers: {"Content-Type": "application/json"}})
  const {id} = await answer.json()
  if (answer.status !== 202 || !id) throw new Error("got " + answer.status)
  const mail = nodemailer.createTransport({host: "127.0.0.1", port, tls: {rejectUnauthorized: false}})
  const sent = await mail.sendMail({from: "ann@sender.test", to: "bob@northwind.test", subject: "Grüße", text: body + " by mail"})
  if (sent.accepted.length !== 1) throw new Error("got " + JSON.stringify(sent))
}
send().catch((error) => { console.error(error); process.exit(1) })
`

// TestTheDoorsOfTheSpoolServeRealClients has programs that others wrote send while the product is away.
func TestTheDoorsOfTheSpoolServeRealClients(t *testing.T) {
	product := newCountingProduct(t)
	g := newSpoolStage(t, product, "")
	g.interrupt()
	g.awaitState("hooks", "interrupted")
	g.awaitState("inbound", "interrupted")
	_, port, _ := strings.Cut(g.mail, ":")
	clients := map[string][]string{
		"curl":        {"curl", "-sS", "--fail", "-d", "by curl", g.url + "/hooks"},
		"swaks":       {"swaks", "--silent", "2", "--server", g.mail, "--from", "ann@sender.test", "--to", "bob@northwind.test", "--body", "by swaks"},
		"smtp-source": {"smtp-source", "-s", "5", "-m", "50", "-l", "2000", "-f", "ann@sender.test", "-t", "bob@northwind.test", g.mail},
		"node":        {"node", "-e", inNode, g.url + "/hooks", port, "by node"},
	}
	modules, err := filepath.Abs("../../compat/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	for name, line := range clients {
		command := exec.Command(toolOf(t, line[0]), line[1:]...)
		command.Env = append(os.Environ(), "NODE_PATH="+modules)
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: got %v and %s, want it to be served", name, err, out)
		}
	}
	if err := smtp.SendMail(g.mail, nil, "ann@sender.test", []string{"bob@elsewhere.test"}, strings.NewReader("Subject: x\r\n\r\nx\r\n")); err == nil {
		t.Error("got mail for another domain accepted, want it refused")
	}
	if lost, _ := product.tally(map[string]bool{"by curl": true}); len(lost) != 1 {
		t.Error("got a post at the product while it was away, want none")
	}
	g.drain()
	want := map[string]bool{"by curl": true, "by swaks": true, "by node": true, "by node by mail": true}
	if lost, again := product.tally(want); len(lost)+len(again) > 1 { // all of smtp-source's are alike
		t.Errorf("got %v that never came and %v, want everything once", lost, again)
	}
	if n := g.requests("inbound", "queued"); n != 52 {
		t.Errorf("got %v mails queued, want the 52 that were accepted", n)
	}
	if n := g.figure("interlude_spool_ended_total", "flow", "inbound", "how", "delivered"); n != 52 {
		t.Errorf("got %v mails delivered, want 52", n)
	}
}

// toolOf is the path of a program that others wrote.
func toolOf(t *testing.T, name string) string {
	t.Helper()
	for _, place := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(place); err == nil {
			return path
		}
	}
	if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
		t.Fatalf("%s is not installed; scripts/setup installs it", name)
	}
	t.Skipf("%s is not installed; scripts/setup installs it", name)
	return ""
}

// TestAFullDiskRefusesInTimeAndLosesNothing fills the file system under the spool, to where the spool leaves it room, and by another
// program to the last byte. Senders are told that there is no room, what was accepted before is handed over all the same, also by a
// gate that was started meanwhile, and then there is room again.
func TestAFullDiskRefusesInTimeAndLosesNothing(t *testing.T) {
	for name, eaten := range map[string]bool{"filled by senders": false, "filled by another program": true} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t)
			product := newCountingProduct(t)
			g := newSpoolStage(t, product, fmt.Sprintf("spool: {folder: '%s/spool', bytes: 64MiB, spare: 10MiB}\n", disk))
			g.interrupt()
			g.awaitState("hooks", "interrupted")
			g.awaitState("inbound", "interrupted")
			if eaten {
				g.fill(40)
				eatUp(t, filepath.Join(disk, "eaten"))
			}
			g.fill(1000)
			if err := g.sendLetter(strings.Repeat("a line of it\r\n", 5000)); err == nil || !strings.Contains(err.Error(), "4.3.1") && !strings.Contains(err.Error(), "452") {
				t.Errorf("got %v for a mail when the disk is full, want 452", err)
			}
			if eaten {
				g.kill()
				g.restart()
			}
			g.drain()
			if lost, again := product.tally(g.accepted); len(lost)+len(again) > 0 {
				t.Errorf("got %d of %d lost and %v, want each once", len(lost), len(g.accepted), again)
			}
			if eaten {
				if err := os.Remove(filepath.Join(disk, "eaten")); err != nil {
					t.Fatal(err)
				}
			}
			g.interrupt()
			g.awaitState("hooks", "interrupted")
			g.eventually("room again", func() bool { return g.post(t.Context(), "afterwards") })
			g.drain()
		})
	}
}

// smallDisk is a file system of 40 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", disk).Run() }) // after the gate was stopped
	return disk
}

// eatUp writes a file until the disk has no byte left.
func eatUp(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

// fill posts until there is no more room, or as many times as wanted.
func (g *spoolStage) fill(most int) {
	g.Helper()
	for range most {
		what := fmt.Sprintf("%d %s", g.count.Add(1), strings.Repeat("x", 64<<10))
		resp := g.request(g.Context(), g.url+"/hooks", what)
		switch {
		case resp == nil:
			g.Fatal("got no answer, want 202 or 503")
		case resp.StatusCode == http.StatusAccepted:
			g.accepted[what] = true
		case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
			return
		default:
			g.Fatalf("got %s with Retry-After %q, want 202, or 503 with one", resp.Status, resp.Header.Get("Retry-After"))
		}
	}
	if most > 100 {
		g.Fatal("got more accepted than the disk holds, want a refusal")
	}
}
