package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"example.org/interlude/api"
	"example.org/interlude/gate"
)

// contact is when the server was last heard. All times are in nanoseconds since 1970, zero before the first.
type contact struct {
	heard, plan atomic.Int64
}

// noticed is a server of which it is noted when it was heard.
type noticed struct {
	gate.Server
	contact *contact
}

// FollowPlan hands plans on.
func (n *noticed) FollowPlan(ctx context.Context, name string, heard func(api.Plan)) error {
	return n.Server.FollowPlan(ctx, name, func(plan api.Plan) {
		now := time.Now().UnixNano()
		n.contact.heard.Store(now)
		n.contact.plan.Store(now)
		heard(plan)
	})
}

// TellState hands the state on. The gate tells it every few seconds, so that a server that is there is heard as often.
func (n *noticed) TellState(ctx context.Context, name string, is api.GateState) error {
	err := n.Server.TellState(ctx, name, is)
	if err == nil {
		n.contact.heard.Store(time.Now().UnixNano())
	}
	return err
}

// adminDoor is where operators and their programs look at the gate.
type adminDoor struct {
	socket net.Listener
	server *http.Server
}

// openAdmin opens it. Nobody is answered until serve is called.
func (p *gateProcess) openAdmin(ctx context.Context, address string) (*adminDoor, error) {
	socket, err := listen(ctx, address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", p.serveHealth)
	mux.Handle("GET /metrics", promhttp.HandlerFor(newGateRegistry(p), promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	if p.store != nil {
		mux.Handle("/spool", p.store.desk)
		mux.Handle("/spool/", p.store.desk)
	}
	if p.profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return &adminDoor{socket, &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}}, nil
}

// exchangeAdmin opens another door for operators, and closes the one before; nil is none.
func (p *gateProcess) exchangeAdmin(next *adminDoor) {
	if p.admin != nil {
		_ = p.admin.server.Close()
	}
	p.admin = next
	if next == nil {
		return
	}
	p.log.Info("operators may look", "url", "http://"+next.socket.Addr().String()+"/health")
	p.hands.Go(func() {
		if err := next.server.Serve(next.socket); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("the listener for operators failed", "error", err)
		}
	})
}

// gateHealth is how a gate is, and apart from that how the product is.
type gateHealth struct {
	Gate    string `json:"gate"`
	Product string `json:"product"`
	// Heard is when the server was last heard, and Revision the plan that is in force.
	Heard    time.Time       `json:"server_heard,omitzero"`
	Revision int64           `json:"plan"`
	Flows    []api.FlowState `json:"flows"`
}

// serveHealth answers 200 while the gate works, whatever becomes of the product, and 503 once it is about to stop.
func (p *gateProcess) serveHealth(w http.ResponseWriter, _ *http.Request) {
	state := p.gate.State()
	is := gateHealth{Gate: "ok", Product: api.FlowNormal, Revision: state.Revision, Flows: state.Flows}
	if heard := p.contact.heard.Load(); heard > 0 {
		is.Heard = time.Unix(0, heard).UTC()
	}
	for _, f := range state.Flows {
		if f.State != api.FlowNormal {
			is.Product = api.FlowInterrupted
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if p.front.stopping.Load() {
		is.Gate = "stopping"
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(is) // whoever asked is gone if this fails
}
