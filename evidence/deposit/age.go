package deposit

import "time"

// age says what the time of the check does to the timestamps. All of it is left
// open rather than failed: the file is as it was, but at that time it alone does
// not show when it was made.
func (v *verifier) age() {
	now := v.opts.Now
	switch {
	case now.IsZero() || v.stamped.IsZero():
	case now.Before(v.stamped.Add(-maxBehind)):
		v.unknown(CodeAge, stampName, "Judged as of %s, but it was stamped only on %s: at that time there was no such deposit.", now.Format(time.RFC3339), v.stamped.Format(time.RFC3339))
	case v.renewed:
	default:
		v.aged(now)
	}
}

// aged reports why none of the container's timestamps counts any more at a time.
func (v *verifier) aged(now time.Time) {
	end, weak := v.counts(now)
	switch {
	case weak != nil:
		v.unknown(CodeAlgorithm, stampName, "Judged as of %s, but no evidence record renews the timestamp in time: %v. Ask for the deposit's .ers file.", now.Format(time.RFC3339), weak)
	case !end.IsZero():
		v.unknown(CodeAge, stampName, "Judged as of %s, but the certificate of the timestamp ended on %s and no evidence record renews it in time. Ask for the deposit's .ers file.", now.Format(time.RFC3339), end.Format(time.RFC3339))
	}
}

// counts returns nothing while one of the container's timestamps counts, by its
// certificate and by the table of algorithms; else the end of the certificate
// that lived longest, or the algorithm that ended where one had not.
func (v *verifier) counts(at time.Time) (end time.Time, weak error) {
	for _, t := range v.tokens {
		err := t.Counts(v.opts.Algorithms, t.Info.Hash, at, at)
		switch ended := at.After(t.Signer.NotAfter); {
		case err == nil && !ended:
			return time.Time{}, nil
		case !ended:
			weak = err
		case t.Signer.NotAfter.After(end):
			end = t.Signer.NotAfter
		}
	}
	return end, weak
}

// renews notes that an evidence record holds, from a time at which what it covers
// still counted: one that came later proves no more than its own time.
func (v *verifier) renews(at time.Time) bool {
	end, weak := v.counts(at)
	v.renewed = end.IsZero() && weak == nil
	return v.renewed
}
