package main

import (
	"context"
	"os"

	"inkwitness/api/server"
)

// careCommands look after what is stored.
type careCommands struct {
	Check    checkCommand    `cmd:"" help:"Check everything that is stored: every reference has its blob and every blob its reference, the audit record, the log, and a share of all bytes; damaged copies are repaired from good ones. Exit code 1 when something is wrong.\n\nExample: inkwitness check --data ./data --bytes all"`
	Clock    clockCommand    `cmd:"" help:"Confirm the time when the clock in doubt has stopped all deletion.\n\nExample: inkwitness clock confirm --data ./data --by ada@example.org"`
	Log      logCommand      `cmd:"" help:"Publish the log again after it was stopped.\n\nExample: inkwitness log resume --data ./data --by ada@example.org"`
	Renew    renewCommand    `cmd:"" help:"Say which evidence records (RFC 4998) are due, and make them now; the service does so every hour. New deposits get their first one; older ones are renewed half a year before a certificate or an algorithm ends.\n\nExample: inkwitness renew --data ./data --dry-run"`
	Erase    eraseCommand    `cmd:"" help:"Erase what was recorded of one signer in a completed document, or with --references what was enrolled of that person for comparisons. The document and its proof stay good; keys are destroyed and signed receipts written.\n\nExample: inkwitness erase --data ./data --reason 'request 2026-17 of the data subject' DOCUMENT ada@example.org"`
	Compact  compactCommand  `cmd:"" help:"Write the database anew, so that its files hold nothing that was deleted, keys of erased people before all: PostgreSQL leaves such bytes in its pages. Each table is locked meanwhile; run it at night, after an erasure that must not wait and once a month. For the write-ahead log the role needs pg_checkpoint and the right to execute pg_switch_wal(); archived logs end by the archive's own rule.\n\nExample: inkwitness compact --database-url postgres://..."`
	Backup   backupCommand   `cmd:"" help:"Back up database and blobs into a folder, while the service runs or not; what the folder has already is not copied again. The root key is not in it: keep it elsewhere. serve --backup-dir does so every hour. Where --data is the folder of a key holder, its keys and log are backed up.\n\nExample: inkwitness backup --data ./data /mnt/backup"`
	Restore  restoreCommand  `cmd:"" help:"Make an empty service from a backup; the root key has to be in its place. A backup of a key holder fills that of a key holder. What was erased since is erased again, and everything is read and checked. Exit code 1 when something is missing or damaged.\n\nExample: inkwitness restore --data ./data /mnt/backup"`
	Receipts receiptsCommand `cmd:"" help:"Write the signed receipts of deletions as files. 'openssl cms -verify -inform DER -noverify -in FILE' takes a receipt out.\n\nExample: inkwitness receipts --data ./data ./receipts"`
}

type checkCommand struct {
	where
	Bytes string `help:"How many bytes to read and hash: all, share (one seventh, those that were not read for the longest), or none, which also repairs nothing." enum:"all,share,none" default:"share"`
	JSON  bool   `name:"json" help:"Print the report as JSON."`
	Quiet bool   `help:"Do not show progress on standard error."`
}

// Run prints what the check found; damage is an error, exit code 1.
func (c *checkCommand) Run(ctx context.Context) error {
	opt := server.CheckOptions{Bytes: c.Bytes, JSON: c.JSON}
	if !c.Quiet {
		opt.Progress = os.Stderr
	}
	return server.Check(ctx, c.config(), opt, os.Stdout)
}

type clockCommand struct {
	Confirm confirmCommand `cmd:"" help:"Say that the machine's time is right, when more than a day that nothing but the clock shows to have passed has stopped all deletion. Two different people have to say so within an hour, owners of the first organisation or staff of the operator; it goes into the record, and each gets a mail.\n\nExample: inkwitness clock confirm --data ./data --by ada@example.org"`
}

type confirmCommand struct {
	where
	By string `help:"Who says so, by the address of the account." placeholder:"ADDRESS" required:""`
}

// Run notes one person's word.
func (c *confirmCommand) Run(ctx context.Context) error {
	return server.ConfirmClock(ctx, c.config(), c.By, os.Stdout)
}

type logCommand struct {
	Resume resumeCommand `cmd:"" help:"Publish the log again, after a witness had seen another history of it and somebody has found out why.\n\nExample: inkwitness log resume --data ./data --by ada@example.org"`
}

type resumeCommand struct {
	where
	By string `help:"Who says so, by the address of the account." placeholder:"ADDRESS" required:""`
}

// Run lets the log go on.
func (c *resumeCommand) Run(ctx context.Context) error {
	return server.ResumeLog(ctx, c.config(), c.By, os.Stdout)
}

type receiptsCommand struct {
	where
	Document string `help:"Only those of one document; of all by default."`
	Folder   string `arg:"" help:"Folder that they are written to." type:"path"`
}

// Run writes the signed deletion receipts as files.
func (c *receiptsCommand) Run(ctx context.Context) error {
	return server.Receipts(ctx, c.config(), c.Document, c.Folder, os.Stdout)
}

type renewCommand struct {
	where
	stamps
	DryRun bool `help:"Only say what is due."`
}

// Run renews.
func (c *renewCommand) Run(ctx context.Context) error {
	cfg := c.config()
	c.stamps.set(&cfg)
	return server.Renew(ctx, cfg, c.DryRun, os.Stdout)
}

type eraseCommand struct {
	where
	Reason     string `help:"By what right, without names: it stays in receipts." required:""`
	References bool   `help:"What was enrolled for comparisons in the whole organisation, not the recording in the document."`
	Document   string `arg:"" help:"ID of the document."`
	Email      string `arg:"" help:"Address of the signer."`
}

// Run erases.
func (c *eraseCommand) Run(ctx context.Context) error {
	return server.Erase(ctx, c.config(), c.Document, c.Email, c.Reason, c.References, os.Stdout)
}

type compactCommand struct{ where }

// Run writes the database anew.
func (c *compactCommand) Run(ctx context.Context) error {
	return server.Compact(ctx, c.config(), os.Stdout)
}

type backupCommand struct {
	where
	Folder string `arg:"" help:"Folder of the backup, best on another machine." type:"path"`
}

// Run backs up.
func (c *backupCommand) Run(ctx context.Context) error {
	return server.Backup(ctx, c.config(), c.Folder, os.Stdout)
}

type restoreCommand struct {
	where
	Snapshot string `help:"Which one, as its folder under snapshots/ is called; the newest by default."`
	Folder   string `arg:"" help:"Folder of the backup." type:"existingdir"`
}

// Run restores.
func (c *restoreCommand) Run(ctx context.Context) error {
	return server.Restore(ctx, c.config(), c.Folder, c.Snapshot, os.Stdout)
}
