// Package rest is the HTTP front door. For now it answers the questions of operators: is the server up, and what is it doing.
package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Gauge is one number that the server can tell about itself. Counter says that it only grows.
type Gauge struct {
	Name    string // allsource_…, with the unit at its end
	Help    string
	Counter bool
	Value   func() float64
}

// Config is what a handler is made with.
type Config struct {
	Version string
	// Healthy returns why the server cannot serve, nil when it can.
	Healthy func(ctx context.Context) error
	Gauges  []Gauge
	Started time.Time
}

// New returns the handler of all routes.
func New(cfg Config) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, g := range cfg.Gauges {
		if g.Counter {
			reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: g.Name, Help: g.Help}, g.Value))
		} else {
			reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.Name, Help: g.Help}, g.Value))
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", cfg.health)
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	return mux
}

// health answers 200 and {"status":"ok"}, or 503 with the reason.
func (cfg Config) health(w http.ResponseWriter, r *http.Request) {
	status, body := http.StatusOK, map[string]any{"status": "ok", "version": cfg.Version, "uptime_seconds": int(time.Since(cfg.Started).Seconds())}
	if err := cfg.Healthy(r.Context()); err != nil {
		status, body = http.StatusServiceUnavailable, map[string]any{"status": "failing", "reason": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		return // the client is gone
	}
}
