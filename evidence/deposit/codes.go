package deposit

import (
	"maps"
	"slices"
)

// The reason codes. They never change their meaning; new ones are added.
const (
	CodeUnreadable = "deposit.unreadable"
	CodeStructure  = "deposit.structure"
	CodeMediaType  = "deposit.mediatype"
	CodeOrder      = "deposit.order"
	CodeMissing    = "deposit.file.missing"
	CodeChanged    = "deposit.file.changed"
	CodeUnlisted   = "deposit.file.unlisted"
	CodeFiles      = "deposit.files"
	CodeBag        = "deposit.bag"
	CodeInfo       = "deposit.info"
	CodeManifest   = "deposit.manifest"
	CodeSignature  = "deposit.signature"
	CodeSigStamp   = "deposit.signature.timestamp"
	CodeStamp      = "deposit.timestamp"
	CodeTime       = "deposit.time"
	CodeAge        = "deposit.age"
	CodeAlgorithm  = "deposit.algorithm"
	CodeRoots      = "deposit.trust.roots"
	CodePurpose    = "deposit.trust.purpose"
	CodeLogProof   = "deposit.log.proof"
	CodeLogEntry   = "deposit.log.entry"
	CodeLogSigned  = "deposit.log.signature"
	CodeLogTrust   = "deposit.trust.log"
	CodeAudit      = "deposit.audit"
	CodeDocument   = "deposit.document"
	CodeLetter     = "deposit.letter"
	CodeSigners    = "deposit.signers"
	CodeRecord     = "deposit.record"
	CodeErased     = "deposit.erased"
	CodeRecording  = "deposit.recording"
)

// explanations is what --explain prints.
var explanations = map[string]string{
	CodeUnreadable: "The file is not a deposit, or so damaged that no list of its files can be read. Nothing can be said about its contents.",
	CodeStructure:  "A deposit is a ZIP file in one exact form: files stored one after the other, each header and each directory entry determined by the contents. Every byte of the structure was compared with what it must be. A failure means that a header was damaged or edited; the contents are checked apart.",
	CodeMediaType:  "The first file of the container must be called mimetype and say application/vnd.etsi.asic-e+zip, as EN 319 162-1 asks.",
	CodeOrder:      "Files stand in one fixed order and carry the time of the seal, so that the same contents always give the same container.",
	CodeMissing:    "A file that the signed list names is not in the container.",
	CodeChanged:    "The contents of this file are not what the signed list says, or do not match their own checksum. The file was changed or damaged after the seal.",
	CodeUnlisted:   "The container holds a file that the signed list does not name. It is not part of what was sealed.",
	CodeFiles:      "Every file of the signed list is there, unchanged, and there is no other.",
	CodeBag:        "manifest-sha256.txt is the list that sha256sum -c reads. It must say the same as the signed list.",
	CodeInfo:       "data/deposit.json says what the deposit is, when it was sealed, who signed, and which log holds it.",
	CodeManifest:   "META-INF/ASiCManifest001.xml is the list of files that the seal signs; ASiCManifest002.xml is the list that the timestamp covers: the first list and its signature. Both must be in their one canonical form and name what they must.",
	CodeSignature:  "The seal's CAdES signature is over the list of files, by the certificate bound into it. If it holds, nothing in the list changed since it was signed.",
	CodeSigStamp:   "A timestamp inside the signature shows that the signature existed at that time.",
	CodeStamp:      "An RFC 3161 timestamp over the list and its signature shows that both existed at that time.",
	CodeTime:       "The times must fit together: the sealing certificate was valid when the timestamp was made, and the time that the deposit states for its seal is not after the timestamp.",
	CodeAge:        "A timestamp shows something for as long as its authority's certificate lives; an evidence record (RFC 4998, the .ers file) made before its end shows it for longer. With --at TIME the deposit is judged as of another time than now: before its seal there was nothing to judge.",
	CodeAlgorithm:  "Proofs rest on hashes and kinds of keys, each of which counts until a day (a table that inkverify has built in, and that --algorithms FILE changes). Each timestamp must be renewed before the end of its key's kind, and each chain of an evidence record before the end of its hash. What was renewed too late, or not yet at the time of the check, proves no more.",
	CodeRoots:      "Certificates of the seal and of the timestamp were followed to a root. With --roots FILE the roots are yours: then the signature proves who sealed. Without it they are the ones inside the file: then it proves only that nothing changed since somebody with those roots sealed it, and the log says when.",
	CodePurpose:    "The authority of the service certifies signers as well as itself, so a certificate says what it is for: sealing one deposit, which it names, or stating erasures. One that is for something else makes no seal and no statement, whatever root it leads to. Those of earlier releases say nothing: one that is named as those of seals and statements were is left open.",
	CodeLogProof:   "META-INF/deposit.tlog-proof holds the deposit's place in the public log in the format C2SP tlog-proof.",
	CodeLogEntry:   "The log's entry is a salted hash of the seal. It was computed from this deposit and followed up to the root of the log's tree.",
	CodeLogSigned:  "The log signs the root of its tree; witnesses confirm that they saw the same tree. All signatures in the proof must be good ones.",
	CodeLogTrust:   "With --log-key KEY the log is one that you chose to trust. Without it the keys are the ones stated in the deposit itself.",
	CodeAudit:      "data/audit/audit.jsonl is the chain of custody. Each line carries the hash of the line before it.",
	CodeDocument:   "The signed PDF was checked by itself: every signature in it, and everything that was added after the first one.",
	CodeLetter:     "letter-of-deposit.pdf is what people read. It carries one signature, with the same certificate as the seal, which covers the whole file and after which nothing was added. Its words are the service's: they are not compared with the files, whose own points say what they hold.",
	CodeErased:     "A person's recording was erased by right after the seal. META-INF/erasure001.p7m, signed by the service with a certificate for this and stamped after the seal, names the deposit and the files by their hashes, which stay in the signed list: the seal, the timestamp and the log still prove everything else.",
	CodeRecord:     "An RFC 4998 evidence record covers every file of the deposit. It was made while the deposit's own timestamp counted, and renewed before a certificate ended or an algorithm weakened (deposit.algorithm), so that the first time it proves stays proved.",
	CodeRecording:  "The files of a recording were held against each other: every stream is of that session and ends in the head of its hash chain; table, timeline and video were made again from the streams and are the same; the times can be. A failure means that files of different sessions were put together, or that times were moved. What is only unlikely, such as a network that was never quick, is left open.",
	CodeSigners:    "Every person that the deposit names has signed the document with a certificate in that name.",
}

// Explain returns what a reason code means, or "" for an unknown one.
func Explain(code string) string { return explanations[code] }

// Codes lists all reason codes.
func Codes() []string { return slices.Sorted(maps.Keys(explanations)) }
