package ink

import (
	"encoding/binary"

	"inkwitness/capture"
)

// Kind is the type of a message, its first byte.
type Kind byte

// The kinds of messages.
const (
	KindBatch   Kind = typeBatch
	KindPing    Kind = typePing
	KindFinish  Kind = typeFinish
	KindDevice  Kind = typeDevice
	KindWelcome Kind = typeWelcome
	KindAck     Kind = typeAck
	KindPong    Kind = typePong
	KindReceipt Kind = typeReceipt
)

// KindOf returns the type byte of a message, 0 for an empty one.
func KindOf(msg []byte) Kind {
	if len(msg) == 0 {
		return 0
	}
	return Kind(msg[0])
}

// Welcome is the server's first message: what it has of this stream.
type Welcome struct {
	Nonce [32]byte
	Head  capture.Head
}

// Append appends the WELCOME message.
func (w Welcome) Append(dst []byte) []byte {
	dst = append(append(dst, typeWelcome), w.Nonce[:]...)
	return appendHead(dst, w.Head)
}

// ParseWelcome reads a WELCOME message.
func ParseWelcome(msg []byte) (w Welcome, err error) {
	c := open(msg, typeWelcome, "WELCOME")
	c.take("nonce", w.Nonce[:])
	w.Head = c.head()
	return w, c.end()
}

func appendHead(dst []byte, h capture.Head) []byte {
	return append(binary.AppendUvarint(dst, h.Next), h.Hash[:]...)
}

func (c *cursor) head() (h capture.Head) {
	h.Next = c.unsigned("next sequence number")
	c.take("head", h.Hash[:])
	return h
}

// AppendAck appends an ACK: everything before h.Next is on disk.
func AppendAck(dst []byte, h capture.Head) []byte {
	return appendHead(append(dst, typeAck), h)
}

// ParseAck reads an ACK message.
func ParseAck(msg []byte) (capture.Head, error) {
	c := open(msg, typeAck, "ACK")
	h := c.head()
	return h, c.end()
}

// AppendFinish appends a FINISH: the client has sent h.Next batches.
func AppendFinish(dst []byte, h capture.Head) []byte {
	return appendHead(append(dst, typeFinish), h)
}

// ParseFinish reads a FINISH message.
func ParseFinish(msg []byte) (capture.Head, error) {
	c := open(msg, typeFinish, "FINISH")
	h := c.head()
	return h, c.end()
}

// Ping asks for the server's time. When the client has had a PONG, the PING
// also tells when that PONG arrived, which completes an exchange of four times.
type Ping struct {
	ClientSend int64 // µs on the page's performance.now clock when this PING is sent

	// The exchange before this one; both 0 when there is none.
	LastSend    int64 // ClientSend of the PING that was answered
	LastReceive int64 // µs on the page's clock when its PONG arrived
}

// Append appends the PING message.
func (p Ping) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, typePing), uint64(p.ClientSend))
	if p.LastReceive != 0 {
		dst = binary.AppendUvarint(dst, uint64(p.LastSend))
		dst = binary.AppendUvarint(dst, uint64(p.LastReceive))
	}
	return dst
}

// ParsePing reads a PING message.
func ParsePing(msg []byte) (p Ping, err error) {
	c := open(msg, typePing, "PING")
	p.ClientSend = int64(c.unsigned("client time"))
	if c.err == nil && len(c.rest) > 0 {
		p.LastSend = int64(c.unsigned("last client time"))
		p.LastReceive = int64(c.unsigned("last receive time"))
		if c.err == nil && (p.LastReceive == 0 || p.LastReceive < p.LastSend) {
			c.fail("the last exchange ends before it starts")
		}
	}
	return p, c.end()
}

// Pong answers a Ping with the server's session clock in µs.
type Pong struct {
	ClientSend    int64
	ServerReceive int64
	ServerSend    int64
}

// Append appends the PONG message.
func (p Pong) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, typePong), uint64(p.ClientSend))
	dst = binary.AppendUvarint(dst, uint64(p.ServerReceive))
	return binary.AppendUvarint(dst, uint64(p.ServerSend))
}

// ParsePong reads a PONG message.
func ParsePong(msg []byte) (p Pong, err error) {
	c := open(msg, typePong, "PONG")
	p.ClientSend = int64(c.unsigned("client time"))
	p.ServerReceive = int64(c.unsigned("server receive time"))
	p.ServerSend = int64(c.unsigned("server send time"))
	return p, c.end()
}
