package server

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inkwitness/evidence/ledger"
	"inkwitness/evidence/proof"
)

// openWitnesses reads who confirms the log. The list is in the order given. Deposits
// tell witnesses apart by their names.
func openWitnesses(cfg Config) (*ledger.Witnesses, []proof.Key, error) {
	if len(cfg.Witnesses) == 0 {
		return nil, nil, nil
	}
	w := &ledger.Witnesses{Need: cfg.WitnessesNeed, Log: cfg.Logger}
	var all []proof.Key
	names := map[string]bool{}
	for _, line := range cfg.Witnesses {
		words := strings.Fields(line)
		if len(words) < 2 {
			return nil, nil, fmt.Errorf("--witness %q is not an address and a key", line)
		}
		one := ledger.Witness{URL: words[0]}
		given := map[string]bool{}
		for _, word := range words[1:] {
			k, err := proof.ParseKey(word)
			switch {
			case err != nil:
				return nil, nil, fmt.Errorf("--witness %s: %w", words[0], err)
			case k.Algorithm == proof.Ed25519:
				return nil, nil, fmt.Errorf("--witness %s: %s is a log's key, not a witness's; inkcosign --keys prints those", words[0], word)
			case given[word], len(one.Keys) > 0 && one.Keys[0].Name != k.Name:
				return nil, nil, fmt.Errorf("--witness %s: each key of a witness is given once, and all have its name", words[0])
			}
			given[word] = true
			one.Keys = append(one.Keys, k)
		}
		if name := one.Keys[0].Name; names[name] {
			return nil, nil, fmt.Errorf("--witness %s: %s is given twice", words[0], name)
		}
		names[one.Keys[0].Name] = true
		w.List, all = append(w.List, one), append(all, one.Keys...)
	}
	return w, all, nil
}

// watchWitnesses shows for how long each witness has been away.
func watchWitnesses(w *ledger.Witnesses) (all []prometheus.Collector) {
	if w == nil {
		return nil
	}
	for _, one := range w.List {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "inkwitness_log_witness_away_seconds",
			Help: "For how long a witness has not confirmed the log, 0 while it does or this instance does not ask it: an alarm when it stays.", ConstLabels: prometheus.Labels{"witness": one.Keys[0].Name}},
			func() float64 {
				since := w.Away(one.URL)
				if since.IsZero() {
					return 0
				}
				return time.Since(since).Seconds()
			}))
	}
	return all
}
