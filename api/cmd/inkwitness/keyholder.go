package main

import (
	"context"
	"fmt"

	"inkwitness/api/server"
)

type keyholderCommand struct {
	Data        string   `help:"Folder of its keys and its log, not the service's." required:"" env:"HOLDER_DATA" type:"path"`
	Socket      string   `help:"Where it listens; holder.sock in the folder by default." env:"HOLDER_SOCKET" type:"path"`
	Users       []string `help:"Users that may ask it beside its own, by name or number; Linux says who asks." env:"HOLDER_USERS"`
	Rate        int      `help:"Signatures in a minute." default:"120" env:"HOLDER_RATE"`
	BackupDir   string   `help:"Back up into this folder every hour, best on another machine; none by default. The root key is not in it." env:"HOLDER_BACKUP_DIR" type:"path"`
	RootKey     string   `help:"File or URL (awskms://, gcpkms://, azurekeyvault://) of its root key; root.key in the folder by default." env:"HOLDER_ROOT_KEY"`
	OldRootKeys []string `help:"Files or URLs of root keys that its keys may still be wrapped with." env:"HOLDER_OLD_ROOT_KEYS"`
}

// Run holds the keys until it is told to stop.
func (c *keyholderCommand) Run(ctx context.Context) error {
	cfg := server.HolderConfig{Config: server.Config{Data: c.Data, RootKey: c.RootKey, OldRootKeys: c.OldRootKeys, Version: version, Logger: logger("info")}, Socket: c.Socket, Users: c.Users, Rate: c.Rate, Backup: c.BackupDir}
	return server.HoldKeys(ctx, cfg, func(socket string) { fmt.Printf("The key holder is at %s\n", socket) })
}
