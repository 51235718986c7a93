package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"

	"inkwitness/api/server"
)

// where says which data a command works on.
type where struct {
	Data        string   `help:"Folder of database, blobs, journal and root key." default:"./data" env:"DATA" type:"path"`
	DatabaseURL string   `help:"sqlite:PATH or postgres://user@host/name; SQLite in the data folder by default." env:"DATABASE_URL"`
	BlobURL     string   `help:"Object store (s3://, gs://, azblob://); files in the data folder by default." env:"BLOB_URL"`
	BlobCopies  []string `help:"Further stores that hold every blob too, URLs or folders. A write is acknowledged by more than half of all stores; what one missed is written again." env:"BLOB_COPIES"`
	RootKey     string   `help:"File or URL (awskms://, gcpkms://, azurekeyvault://) of the root key; root.key in the data folder by default." env:"ROOT_KEY"`
	OldRootKeys []string `help:"Files or URLs of root keys that keys may still be wrapped with, see: inkwitness keys." env:"OLD_ROOT_KEYS"`
	PublicURL   string   `help:"Address that people use, for links; by default the listening address, for commands that of the service that was started last." env:"PUBLIC_URL"`
}

func (w where) config() server.Config {
	return server.Config{Data: w.Data, DatabaseURL: w.DatabaseURL, BlobURL: w.BlobURL, BlobCopies: w.BlobCopies, RootKey: w.RootKey, OldRootKeys: w.OldRootKeys, PublicURL: w.PublicURL, Version: version, Logger: logger("warn")}
}

// stamps says who stamps time, and for how long proofs may rest on an algorithm.
type stamps struct {
	TimestampURLs  []string `name:"timestamp-urls" help:"Outside timestamp authorities (RFC 3161), asked one after the other until one answers; deposits then carry its token beside our own." env:"TIMESTAMP_URLS"`
	TimestampRoots string   `help:"PEM file with the roots of the outside timestamp authorities." env:"TIMESTAMP_ROOTS" type:"existingfile"`
	TimeServers    []string `help:"Time servers (host:123) that watch the clock: nothing is sealed while none has answered for five minutes, or while the clock may be more than a second off them." env:"TIME_SERVERS"`
	Algorithms     string   `help:"JSON file with other end dates of algorithms, as {\"SHA-256\": \"2031-01-01\"}: evidence records are renewed half a year before." env:"ALGORITHMS" type:"existingfile"`
}

func (s stamps) set(cfg *server.Config) {
	cfg.TimestampURLs, cfg.TimestampRoots, cfg.TimeServers, cfg.Algorithms = s.TimestampURLs, s.TimestampRoots, s.TimeServers, s.Algorithms
}

type serveCommand struct {
	where
	stamps
	Listen         string         `help:"Address of HTTP, host:port." default:"127.0.0.1:8080" env:"LISTEN"`
	TLSCert        string         `help:"PEM file with the certificate chain." env:"TLS_CERT" type:"existingfile"`
	TLSKey         string         `help:"PEM file with the private key." env:"TLS_KEY" type:"existingfile"`
	TrustedProxies []netip.Prefix `help:"Proxies whose X-Forwarded-For is believed, as 10.0.0.0/8." env:"TRUSTED_PROXIES"`
	BackupDir      string         `help:"Folder that a backup is made into every hour; the root key is not in it." env:"BACKUP_DIR" type:"path"`
	Region         string         `help:"Where the bytes lie, written into each object." default:"local" env:"REGION"`

	MediaListen string   `help:"host:port of video over UDP; TCP takes the next port. The host and port of --listen by default." env:"MEDIA_LISTEN"`
	MediaIPs    []string `name:"media-ips" help:"Public addresses when the service stands behind a 1:1 NAT." env:"MEDIA_IPS"`
	STUN        []string `help:"STUN servers handed to pages, as stun:host:port." env:"STUN"`
	TURN        []string `help:"TURN servers handed to pages, as turn:host:port." env:"TURN"`
	TURNListen  string   `help:"host:port of an own relay for networks that let only TCP out, best 0.0.0.0:443; under TLS where --tls-cert is given. It leads to this service's video and nowhere else." env:"TURN_LISTEN"`
	TURNUser    string   `help:"User of the TURN servers." env:"TURN_USER"`
	TURNPass    string   `help:"Password of the TURN servers." env:"TURN_PASS"`

	SMTP     string `help:"Mail server: smtp://user:password@host:port (STARTTLS), smtps://, or smtp+plain:// on this machine. Without one, mails stay in the outbox." env:"SMTP"`
	MailFrom string `help:"Sender of mails." env:"MAIL_FROM"`

	SMS              string   `name:"sms" help:"SMS gateway: twilio://SID:TOKEN@api.twilio.com?from=+33..., or an https address that takes --sms-template. Without one no codes go to telephones." env:"SMS"`
	SMSTemplate      string   `name:"sms-template" help:"JSON that the gateway takes, with {to} and {text} in it." env:"SMS_TEMPLATE"`
	SMSAuthorization string   `name:"sms-authorization" help:"Authorization header for that gateway." env:"SMS_AUTHORIZATION"`
	SMSCountries     []string `name:"sms-countries" help:"Prefixes that messages go to, as +33; all by default." env:"SMS_COUNTRIES"`

	Witness         []string       `help:"Witness of the log, as 'https://witness.example/ KEY [KEY]' with the keys that it prints; give the flag once for each." env:"WITNESSES" sep:";"`
	WitnessesNeed   int            `help:"How many witnesses must confirm; all of them by default." env:"WITNESSES_NEED"`
	KeyHolder       string         `help:"Socket of a key holder (inkwitness keyholder), which then keeps the signers' keys; without one the service keeps them itself." env:"KEY_HOLDER" type:"path"`
	Providers       string         `help:"JSON file with certificate providers that documents may choose; see evidence/README.md." env:"PROVIDERS" type:"existingfile"`
	FaceModel       string         `help:"ONNX file of a network that compares faces; see biometrics/README.md. Without one the answer is 'unavailable'." env:"FACE_MODEL" type:"existingfile"`
	FaceModelSHA256 string         `name:"face-model-sha256" help:"SHA-256 of that file; any other is refused." env:"FACE_MODEL_SHA256"`
	EgressAllow     []netip.Prefix `help:"Private networks that webhooks and identity providers may be in, as 10.1.0.0/16; none by default." env:"EGRESS_ALLOW"`
	MaxUploadMB     int64          `name:"max-upload-mb" help:"Largest PDF that may be uploaded, in MiB, up to 200. Tablets read it page by page; slow networks feel its size." default:"50" env:"MAX_UPLOAD_MB"`
	LogLevel        string         `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"LOG_LEVEL"`
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(ctx context.Context) error {
	cfg := c.config()
	cfg.Listen, cfg.TLSCert, cfg.TLSKey, cfg.TrustedProxies, cfg.Region = c.Listen, c.TLSCert, c.TLSKey, c.TrustedProxies, c.Region
	cfg.Media = server.MediaConfig{Listen: c.MediaListen, PublicIPs: c.MediaIPs, STUN: c.STUN, TURN: c.TURN, TURNListen: c.TURNListen, TURNUser: c.TURNUser, TURNPass: c.TURNPass}
	cfg.Mail = server.MailConfig{URL: c.SMTP, From: c.MailFrom}
	c.stamps.set(&cfg)
	cfg.BackupDir = c.BackupDir
	cfg.Logger = logger(c.LogLevel)
	cfg.SMS = server.SMSConfig{URL: c.SMS, Template: c.SMSTemplate, Authorization: c.SMSAuthorization, Countries: c.SMSCountries}
	cfg.EgressAllow, cfg.MaxUpload = c.EgressAllow, c.MaxUploadMB<<20
	cfg.Witnesses, cfg.WitnessesNeed, cfg.Providers = c.Witness, c.WitnessesNeed, c.Providers
	cfg.Face = server.FaceConfig{Model: c.FaceModel, SHA256: c.FaceModelSHA256}
	cfg.KeyHolder = c.KeyHolder
	s, err := server.New(ctx, cfg)
	if err != nil {
		return err
	}
	server.UseProcessors()
	fmt.Printf("Inkwitness %s is at %s\n", version, s.URL())
	link, err := s.FirstInvitation(ctx)
	if err != nil {
		return err
	}
	if link != "" {
		fmt.Printf("Nobody has an account yet. Open this link once to make the first owner (links of earlier starts no longer work):\n\n  %s\n\n", link)
	}
	return s.Run(ctx)
}

// logger writes to standard error.
func logger(level string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // kong let only levels through
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l}))
}

type migrateCommand struct{ where }

// Run opens the database, which brings it up to date.
func (c *migrateCommand) Run(ctx context.Context) error { return server.Migrate(ctx, c.config()) }

type openapiCommand struct{}

// Run prints the description of every route.
func (openapiCommand) Run() error {
	description, err := server.OpenAPI(version)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(description)
	return err
}

type inviteCommand struct {
	where
	Role         string `help:"owner, admin, manager, sender, reviewer, investigator, auditor, or staff for people of the operator." default:"owner"`
	Organisation string `help:"ID of the organisation; the only one when there is one."`
	Language     string `help:"en, fr, zh-Hant or zh-Hans." default:"en" enum:"en,fr,zh-Hant,zh-Hans"`
	Email        string `arg:"" help:"Address that the invitation is for."`
}

// Run prints the link.
func (c *inviteCommand) Run(ctx context.Context) error {
	link, err := server.Invite(ctx, c.config(), c.Organisation, c.Role, c.Email, c.Language)
	if err != nil {
		return err
	}
	_, err = fmt.Println(link)
	return err
}

type outboxCommand struct {
	where
	Limit int `help:"How many of the newest mails." default:"20"`
}

// Run prints the newest mails.
func (c *outboxCommand) Run(ctx context.Context) error {
	return server.Outbox(ctx, c.config(), c.Limit, os.Stdout)
}
