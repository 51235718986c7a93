package main

// Help is what --help adds to the flags.
func (runCmd) Help() string {
	return `Compares every questioned signature of a corpus with references of the user that it claims to be, and prints the equal
error rates with a common and with user thresholds, FNMR at FMR 1 % and 0.1 %, Cllr and minimum Cllr, with 95 % intervals from
users drawn with replacement. With --scores it also writes DET, Tippett and histogram plots and a report page, into FILE-report/
unless --report names another place.

Protocols: first5 takes each user's first genuine signatures as references; sess draws them from the first half of the genuine
ones and questions the second half; rand draws them from all and questions the rest.

Examples:
  inkeval run --corpus svc2004-task2 --path corpora/svc2004/task2.tar.gz --protocol rand --draws 10 --seed 1 --scores task2.csv
  inkeval run --corpus mcyt100 --path MCYT_Signature_100/ --protocol first5 --scores mcyt.csv --json
  inkeval run --corpus susig-blind --path SUSig.zip --users 1-50 --protocol sess --refs 3 --scores blind.csv`
}

// Help is what --help adds to the flags.
func (scoreCmd) Help() string {
	return `Files are InkML (.inkml, .xml), ISO/IEC 19794-7 (.isosig, .iso, .bin) or the CSV that Inkwitness writes; the content decides.
All are files of one writer but the last, which is the questioned one. The answer is a likelihood ratio, never an identity.

Examples:
  inkeval score --reference a.inkml --reference b.inkml --reference c.inkml questioned.inkml
  inkeval score -r ref1.csv -r ref2.isosig -r ref3.inkml --explain questioned.csv
  inkeval score -r ref1.csv -r ref2.csv questioned.csv --json | jq .likelihoodRatio`
}

// Help is what --help adds to the flags.
func (evalCmd) Help() string {
	return `Populations and calibration are fitted with folds by user: nobody is judged by parameters that saw them.

Example:
  inkeval eval --corpora ../shared/corpora`
}

// Help is what --help adds to the flags.
func (trainCmd) Help() string {
	return `The same day, corpora and recipe give the same bytes.

Example:
  inkeval train --corpora ../shared/corpora --made 2026-11-29`
}

// Help is what --help adds to the flags.
func (compareCmd) Help() string {
	return `Both files must hold the same trials: same corpus, protocol, draws and seed. The same users are drawn for both, so that
the interval is that of the difference. A difference whose interval holds 0 is within the noise.

Example:
  inkeval run --corpus svc2004-task1 --path corpora/svc2004 --protocol rand --scores a.csv
  inkeval run --corpus svc2004-task1 --path corpora/svc2004 --protocol rand --scores b.csv --model other.json
  inkeval compare a.csv b.csv`
}

// Help is what --help adds to the flags.
func (ratesCmd) Help() string {
	return `Examples:
  inkeval rates task2.csv
  inkeval rates task2.csv --report out --json`
}
