package server

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"inkwitness/capture"
	"inkwitness/evidence/vault"
)

// Config is everything that can be set about the service. The zero value of a
// field is a safe default; Data is needed.
type Config struct {
	Data   string // folder of the database, blobs, journal and root key
	Listen string // host:port of HTTP; 127.0.0.1:8080

	// PublicURL is the address that people use, for links in mails. Empty means
	// the listening address.
	PublicURL string

	TLSCert, TLSKey string         // PEM files; both or none
	TrustedProxies  []netip.Prefix // whose X-Forwarded-For is believed

	DatabaseURL string   // sqlite:PATH or postgres://...; sqlite in Data
	BlobURL     string   // s3://..., gs://..., azblob://...; files in Data
	BlobCopies  []string // further stores that hold every blob too: URLs or folders
	RootKey     string   // URL of a cloud key, or a path; root.key in Data
	OldRootKeys []string // files or URLs of root keys before, while keys are still wrapped with them
	Region      string   // where the bytes lie

	BackupDir string // where a backup is made every hour; none when empty

	Media MediaConfig
	Mail  MailConfig
	SMS   SMSConfig

	Face FaceConfig

	MaxUpload int64 // bytes of one PDF, at most maxUpload; 50 MiB when 0

	EgressAllow []netip.Prefix // private networks that webhooks and identity providers may be in

	TimestampURLs  []string // outside RFC 3161 authorities, one after the other until one answers; deposits then carry both tokens
	TimestampRoots string   // PEM file with their roots
	TimeServers    []string // host:port of time servers that watch the clock

	Algorithms string // JSON file with other end dates of algorithms than the built-in ones

	Witnesses     []string // "URL KEY [KEY]": who confirms the log, with the keys whose cosignatures count
	WitnessesNeed int      // how many of them must; all when 0

	KeyHolder string // socket of the process that keeps the signers' keys; the service itself when empty
	Providers string // JSON file with the certificate providers that may be chosen beside our own authority

	Version string
	Logger  *slog.Logger

	seams seams
}

// seams is where tests come between the service and what it stands on. The zero
// value is the real thing.
type seams struct {
	clock capture.Clock                           // the machine's when nil
	sql   func(driver.Connector) driver.Connector // around the database
	blobs func(vault.Blobs) vault.Blobs           // around each object store
}

// MediaConfig says how video comes in.
type MediaConfig struct {
	Listen    string   // host:port for UDP and ICE-TCP; the host and port of HTTP, port+1 for TCP
	PublicIPs []string // of a 1:1 NAT in front
	STUN      []string // URLs handed to pages
	TURN      []string // URLs handed to pages
	TURNUser  string
	TURNPass  string

	TURNListen string // host:port of an own relay over TCP, under TLS where there is a certificate; none by default
}

// FaceConfig names the operator's model that compares faces; none by default.
type FaceConfig struct {
	Model  string // ONNX file
	SHA256 string // of the file, 64 hex digits
}

// MailConfig says where mail goes. Without a server it stays in the outbox,
// where the owner's page and `inkwitness outbox` show it.
type MailConfig struct {
	URL  string // smtp://[user:password@]host[:port], smtps://..., smtp+plain://...
	From string
}

// maxUpload is the largest PDF that is prepared, signed and verified in bounded
// memory, as tests show.
const maxUpload = 200 << 20

// DefaultListen is where the service listens when nothing else is said.
const DefaultListen = "127.0.0.1:8080"

// fill completes and checks a configuration.
func (c Config) fill() (Config, error) {
	if c.Data == "" {
		return c, errors.New("name a data folder with --data")
	}
	c.Listen = cmp.Or(c.Listen, DefaultListen)
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return c, fmt.Errorf("--listen %q is not host:port: %w", c.Listen, err)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return c, errors.New("give both --tls-cert and --tls-key, or none")
	}
	if !c.tls() && !loopback(host) && !strings.HasPrefix(c.PublicURL, "https://") {
		return c, fmt.Errorf("--listen %s is not loopback: give --tls-cert and --tls-key, or put a TLS proxy in front and name its https address with --public-url", c.Listen)
	}
	if len(c.TimestampURLs) > 0 && c.TimestampRoots == "" {
		return c, errors.New("--timestamp-urls needs --timestamp-roots: the root certificates that deposits are checked against")
	}
	if (c.Face.Model == "") != (c.Face.SHA256 == "") {
		return c, errors.New("give both --face-model and --face-model-sha256, what `sha256sum FILE` prints, or none")
	}
	c.Face.SHA256 = strings.ToLower(c.Face.SHA256)
	if c.MaxUpload < 0 || c.MaxUpload > maxUpload {
		return c, fmt.Errorf("--max-upload-mb %d: give 1 to %d, larger documents are not read", c.MaxUpload>>20, int64(maxUpload)>>20)
	}
	if c.WitnessesNeed < 0 || c.WitnessesNeed > len(c.Witnesses) {
		return c, fmt.Errorf("--witnesses-need %d, but there are %d witnesses", c.WitnessesNeed, len(c.Witnesses))
	}
	if c.PublicURL == "" {
		c.PublicURL = c.address(host, port)
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	c.DatabaseURL = cmp.Or(c.DatabaseURL, "sqlite:"+filepath.Join(c.Data, "inkwitness.db"))
	c.RootKey = cmp.Or(c.RootKey, filepath.Join(c.Data, "root.key"))
	c.Region = cmp.Or(c.Region, "local")
	c.Media.Listen = cmp.Or(c.Media.Listen, c.Listen)
	c.Version = cmp.Or(c.Version, "dev")
	if c.seams.clock == nil {
		c.seams.clock = wallClock{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// address is the service's address where nobody says better. Loopback is called
// localhost: browsers give camera and passkeys to that name.
func (c Config) address(host, port string) string {
	scheme := "http"
	if c.tls() {
		scheme = "https"
	}
	if host == "" || loopback(host) {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// exists says whether there is a service to look at; a command that only looks
// must not make one.
func (c Config) exists() error {
	if _, err := os.Stat(c.Data); c.DatabaseURL == "" && errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no data folder %s: name the one of the service with --data", c.Data)
	}
	return nil
}

// addressName is the file of the data folder that tells how the service was
// last reached, for commands that write links.
const addressName = "address"

// reached fills in the address at which people reach the service that runs on
// the same data folder, unless one was given.
func (c Config) reached() Config {
	if raw, err := os.ReadFile(filepath.Join(c.Data, addressName)); err == nil && c.PublicURL == "" {
		c.PublicURL = strings.TrimSpace(string(raw))
	}
	return c
}

func (c Config) tls() bool { return c.TLSCert != "" }

// secure tells whether people reach the service by https.
func (c Config) secure() bool { return strings.HasPrefix(c.PublicURL, "https://") }

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
