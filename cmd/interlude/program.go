package main

import "github.com/alecthomas/kong"

// program is the command line.
type program struct {
	Server  string `env:"INTERLUDE_SERVER" default:"http://127.0.0.1:8484" placeholder:"URL" group:"everywhere" help:"Address of the server."`
	Token   string `env:"INTERLUDE_TOKEN" placeholder:"SECRET" group:"everywhere" help:"Token that the server knows. Better in the environment, where other users of the machine do not see it."`
	JSON    bool   `name:"json" group:"everywhere" help:"Answer in JSON, for programs."`
	NoColor bool   `group:"everywhere" help:"No colors."`

	Serve serveCommand  `cmd:"" group:"server" help:"Run the server: the page, the API, and the clock that moves maintenances."`
	Gate  gateCommands  `cmd:"" group:"server" help:"Run the reverse proxy that keeps the promises of a maintenance: run, check, bypass, key."`
	Spool spoolCommands `cmd:"" group:"server" help:"What a gate accepted and has not handed over yet: list, show, retry, remove, pause, drain."`
	Demo  demoCommand   `cmd:"" group:"server" help:"Watch a maintenance from its announcement to its report, in about a minute."`

	Preview previewCommand `cmd:"" group:"documents" help:"Show the report that documents make, without a server."`
	Apply   applyCommand   `cmd:"" group:"documents" help:"Make the server match documents, and print the changes first."`
	Import  importCommands `cmd:"" group:"documents" help:"Bring another status page over: from Atlassian Statuspage."`

	Runbook     runCommand          `cmd:"" name:"run" group:"work" help:"Carry out the runbook of a maintenance: plan, dry run, steps, roll-back."`
	Maintenance maintenanceCommands `cmd:"" group:"work" help:"Planned work: list, show, create, begin, extend, complete, …"`
	Interrupt   interruptCommands   `cmd:"" group:"work" help:"Have the gates hold or refuse flows: open, extend, end, list."`
	Gates       gatesCommand        `cmd:"" group:"work" help:"List the gates, and what is in force there."`
	Measured    measuredCommand     `cmd:"" group:"work" help:"Show what the gates measured of a maintenance."`
	Series      seriesCommands      `cmd:"" group:"work" help:"Planned work that recurs: list, show, end."`
	Incident    incidentCommands    `cmd:"" group:"work" help:"Unplanned events: list, show, create, post, resolve."`
	Component   componentCommands   `cmd:"" group:"work" help:"Parts of the product: list, set."`
	Notice      noticeCommands      `cmd:"" group:"work" help:"What subscribers are told: list, watch, retry, preview, test, …"`
	Subscriber  subscriberCommands  `cmd:"" group:"work" help:"Who is told: list, show, add, remove, reactivate, import, …"`
	Report      reportCommand       `cmd:"" group:"work" help:"Print the report of a maintenance or an incident."`

	Helping    helpCommand       `cmd:"" name:"help" group:"around" help:"Explain a command, as its --help does."`
	Tokens     tokenCommands     `cmd:"" name:"token" group:"around" help:"Tokens for programs and people: create, generate, list, revoke."`
	Audit      auditCommand      `cmd:"" group:"around" help:"Show who changed what, the latest first."`
	Version    versionCommand    `cmd:"" group:"around" help:"Print the version."`
	Completion completionCommand `cmd:"" group:"around" help:"Print a script that completes commands in a shell."`
	Complete   completeCommand   `cmd:"" hidden:"" help:"List what can follow; used by the scripts of completion."`
}

// groups are the headings of the help.
var groups = []kong.Group{
	{Key: "documents", Title: "Documents"},
	{Key: "work", Title: "Work"},
	{Key: "server", Title: "Server"},
	{Key: "around", Title: "Around it"},
	{Key: "everywhere", Title: "Flags of every command"},
}

const about = `Scheduled maintenance that keeps its word.

One document describes a maintenance. Interlude announces it, carries it out, keeps the promises that the
announcement made, and reports what really happened.

  interlude demo                                        watch one, in about a minute
  interlude serve                                       run the server
  interlude preview -f page.yaml -f maintenance.yaml    look at it, without a server
  interlude apply   -f page.yaml -f maintenance.yaml    announce it
  interlude maintenance list                            see what is planned
  interlude report ID                                   read the report afterwards

Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 server not reachable, 4 not permitted,
5 changed by somebody else meanwhile, 6 differences found (apply --dry-run --exit-code).`
