package deposit

import (
	"crypto/sha256"
	"slices"
	"strings"

	"inkwitness/evidence"
	"inkwitness/evidence/proof"
)

// log checks that the seal is in the log and who says so.
func (v *verifier) log() {
	raw, err := v.archive.read(proofName)
	if err != nil {
		v.fails(CodeLogProof, proofName, "The deposit has no proof of its place in the log.")
		return
	}
	p, err := proof.Parse(raw)
	if err != nil {
		v.fails(CodeLogProof, proofName, "The proof of the place in the log cannot be read: %v.", err)
		return
	}
	if !v.described {
		return // the salt is not known, which has been reported
	}
	stampList, okList := v.found[stampListName]
	token, okToken := v.found[stampName]
	if !okList || !okToken {
		return // reported as missing
	}
	bound := []evidence.Digest{stampList, token}
	if outside, ok := v.found[outStampName]; ok {
		bound = append(bound, outside)
	}
	leaf := evidence.Leaf(evidence.Commit(v.info.Salt, bound...))
	if err := p.Includes(leaf); err != nil {
		v.fails(CodeLogEntry, proofName, "The seal of this deposit is not what the log holds at place %d.", p.Index)
	} else {
		v.holds(CodeLogEntry, proofName, "The seal is entry %d of %d in the log %s.", p.Index, p.Checkpoint.Size, p.Checkpoint.Origin)
	}
	if p.Checkpoint.Origin != v.info.Log.Origin {
		v.fails(CodeLogProof, proofName, "The proof is of the log %q, the deposit names %q.", p.Checkpoint.Origin, v.info.Log.Origin)
	}
	v.logSignatures(p.Checkpoint)
}

// logSignatures checks every signature line: the ones that the caller trusts,
// the ones that the deposit names, and that there are no others.
func (v *verifier) logSignatures(c proof.Checkpoint) {
	own, err := parseKeys(v.info.Log.Keys)
	witnesses, werr := parseKeys(v.info.Log.Witnesses)
	if err != nil || werr != nil || len(own) == 0 {
		v.fails(CodeLogSigned, InfoName, "The deposit names no key of the log, or one that cannot be read.")
		return
	}
	good := map[line]bool{}
	names := v.signedBy(c, own, good, true)
	confirmed := v.signedBy(c, witnesses, good, false)
	count := v.info.Log.Confirmed(c)
	v.trustedLogKeys(c, good)
	for _, s := range c.Note.Sigs {
		if !good[line{s.Name, s.ID}] {
			v.fails(CodeLogSigned, proofName, "The proof has a signature line of %q that is wrong, stands twice, or is by a key that nobody named.", s.Name)
		}
		delete(good, line{s.Name, s.ID}) // of two lines by one key only the first was looked at
	}
	if count < v.info.Log.Need {
		v.fails(CodeLogSigned, proofName, "The log's tree was confirmed by %d witnesses, the deposit asks for %d.", count, v.info.Log.Need)
	} else if len(names) == len(own) {
		v.holds(CodeLogSigned, proofName, "The log's tree is signed by %s.", strings.Join(append(names, confirmed...), ", "))
	}
}

// Confirmed counts the witnesses that the deposit names and that cosigned a
// checkpoint. One that signs with several algorithms, under one name, counts once.
func (l Log) Confirmed(c proof.Checkpoint) int {
	witnesses, _ := parseKeys(l.Witnesses) // those up to one that cannot be read
	names := map[string]bool{}
	for _, k := range witnesses {
		if _, err := c.Verify(k); err == nil {
			names[k.Name] = true
		}
	}
	return len(names)
}

// line is what a signature line says of its key.
type line struct {
	name string
	id   uint32
}

func lineOf(k proof.Key) line { return line{k.Name, k.ID()} }

// signedBy returns whose signatures are good, for a reader.
func (v *verifier) signedBy(c proof.Checkpoint, keys []proof.Key, good map[line]bool, must bool) []string {
	var names []string
	for _, k := range keys {
		at, err := c.Verify(k)
		if err != nil {
			if must {
				v.fails(CodeLogSigned, proofName, "The log's tree is not signed as it must be: %v.", err)
			}
			continue
		}
		good[lineOf(k)] = true
		name := k.Name + " (" + k.Algorithm.String() + ")"
		if !must {
			name = "witness " + name + " on " + at.Format("2006-01-02")
		}
		names = append(names, name)
	}
	return names
}

func parseKeys(list []string) ([]proof.Key, error) {
	var keys []proof.Key
	for _, s := range list {
		k, err := proof.ParseKey(s)
		if err != nil {
			return keys, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// trustedLogKeys asks for the signatures of the caller's keys, or says that
// there were none.
func (v *verifier) trustedLogKeys(c proof.Checkpoint, good map[line]bool) {
	if len(v.opts.LogKeys) == 0 {
		sum := sha256.Sum256([]byte(strings.Join(append(slices.Clone(v.info.Log.Keys), v.info.Log.Witnesses...), "\n")))
		v.unknown(CodeLogTrust, proofName, "No key of the log was given, so the ones in the deposit are used (SHA-256 of the list %x). Compare with those that the log publishes, or give --log-key.", sum[:8])
		return
	}
	for _, k := range v.opts.LogKeys {
		if _, err := c.Verify(k); err != nil {
			v.fails(CodeLogTrust, proofName, "The log's tree is not signed by the key that you trust: %v.", err)
			continue
		}
		good[lineOf(k)] = true
		v.holds(CodeLogTrust, proofName, "The log's tree is signed by %s, whom you trust.", k.Name)
	}
}
