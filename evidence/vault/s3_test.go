//go:build s3

package vault_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/s3blob"

	"inkwitness/evidence"
	"inkwitness/evidence/evidencetest"
	"inkwitness/evidence/vault"
)

// gateway starts versitygw, an S3 server with object lock, and returns the query
// of its URLs. make test-s3 installs it.
func gateway(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	root, versions := t.TempDir(), t.TempDir()
	cmd := exec.Command(filepath.Join("..", "..", "bin", "versitygw"), "--access", "ink", "--secret", "witness-secret", "--port", address, "posix", "--versioning-dir", versions, root)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("start versitygw; make test-s3 installs it: %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("versitygw does not answer")
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "ink")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "witness-secret")
	return "?region=us-east-1&use_path_style=true&endpoint=http://" + address
}

// bucket makes one.
func bucket(t *testing.T, query, name string, lock bool) *s3.Client {
	t.Helper()
	b, err := blob.OpenBucket(t.Context(), "s3://"+name+query)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	var client *s3.Client
	if !b.As(&client) {
		t.Fatal("no client")
	}
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name, ObjectLockEnabledForBucket: &lock}); err != nil {
		t.Fatal(err)
	}
	return client
}

// TestObjectLockUnderPrefix: the lock is on the object of this service, where the
// address keeps several apart in one bucket.
func TestObjectLockUnderPrefix(t *testing.T) {
	query := gateway(t)
	bucket(t, query, "shared", true)
	blobs, err := vault.OpenBucket(t.Context(), "s3://shared"+query+"&prefix=ours/&lock=compliance")
	if err != nil {
		t.Fatal(err)
	}
	if err := blobs.Write(t.Context(), "a", func(w io.Writer) error { _, err := io.WriteString(w, "deposit"); return err }); err != nil {
		t.Fatal(err)
	}
	until := time.Now().AddDate(10, 0, 0)
	r := blobs.(vault.Retainer)
	if err := r.Retain(t.Context(), "a", until); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Retained(t.Context(), "a"); err != nil || got.Before(until) {
		t.Errorf("locked until %s, %v", got, err)
	}
}

// TestObjectLock: on a real S3 server a locked object cannot be destroyed by who
// may do everything, it is read back, and a bucket without object lock fails the
// writing.
func TestObjectLock(t *testing.T) {
	query := gateway(t)
	client := bucket(t, query, "locked", true)
	bucket(t, query, "plain", false)
	open := func(name string) *vault.Vault {
		blobs, err := vault.OpenBucket(t.Context(), "s3://"+name+query+"&lock=compliance")
		if err != nil {
			t.Fatal(err)
		}
		keys, _ := evidencetest.Keys()
		v, err := vault.New(vault.Config{Blobs: blobs, Keys: keys, Clock: &evidencetest.Clock{}})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	end := time.Now().AddDate(10, 0, 0).UTC()
	meta := evidence.Meta{Key: "deposits/1/deposit.asice", Class: evidence.ClassDeposit, Reason: "test", DeleteAfter: end, Subject: "s", Deposit: "d", Lock: true}
	want := bytes.Repeat([]byte("deposit"), 100_000)
	v := open("locked")
	o, err := v.Put(t.Context(), meta, bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	name, key := "locked", meta.Key
	got, err := client.GetObjectRetention(t.Context(), &s3.GetObjectRetentionInput{Bucket: &name, Key: &key})
	if err != nil || fmt.Sprint(got.Retention.Mode) != "COMPLIANCE" || got.Retention.RetainUntilDate.Before(end) {
		t.Fatalf("retention %+v, %v", got, err)
	}
	head, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &name, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &name, Key: &key, VersionId: head.VersionId}); err == nil {
		t.Error("the locked version was destroyed")
	}
	if n, err := v.Scrub(t.Context(), o); n != 0 || err != nil {
		t.Errorf("checked with its lock: %d repaired, %v", n, err)
	}
	if err := v.Delete(t.Context(), o); err != nil { // a marker, and the next version is not locked
		t.Fatal(err)
	}
	plain, err := vault.OpenBucket(t.Context(), "s3://"+name+query)
	if err == nil {
		err = plain.Write(t.Context(), key, func(io.Writer) error { return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	if o, err = v.Put(t.Context(), evidence.Meta{Key: meta.Key, Class: meta.Class, Reason: "test", DeleteAfter: end, Subject: "s", Deposit: "d"}, bytes.NewReader(want)); err != nil {
		t.Fatal(err)
	}
	o.Locked = end.AddDate(0, 1, 0)
	for _, repaired := range []int{1, 0} {
		if n, err := v.Scrub(t.Context(), o); n != repaired || err != nil {
			t.Errorf("without its lock, want %d: %d repaired, %v", repaired, n, err)
		}
	}
	sooner := time.Now().Add(time.Hour)
	retention := *got.Retention
	retention.RetainUntilDate = &sooner
	if _, err := client.PutObjectRetention(t.Context(), &s3.PutObjectRetentionInput{Bucket: &name, Key: &key, Retention: &retention}); err == nil {
		t.Error("the lock was made shorter")
	}
	r, err := v.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := io.ReadAll(r); err != nil || !bytes.Equal(all, want) {
		t.Errorf("read back %d bytes, %v", len(all), err)
	}
	if _, err := open("plain").Put(t.Context(), meta, bytes.NewReader(want)); err == nil {
		t.Error("a bucket without object lock acknowledged")
	}
}
