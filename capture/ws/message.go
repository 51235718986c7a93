package ws

import (
	"context"
	"encoding/json"
	"errors"

	"inkwitness/capture"
	"inkwitness/capture/ink"
)

// exchanges is how many PONGs are remembered until the client tells when they
// arrived.
const exchanges = 8

// penProtocol is inkwitness.pen.v1.
var penProtocol = protocol{name: ink.Protocol, maxMessage: ink.MaxMessage, talk: func(c *conn, a Admission) talk {
	return &pen{conn: c, nonce: a.Nonce, session: a.Session}
}}

// pen is the talk of a connection with pen samples.
type pen struct {
	*conn
	nonce   [32]byte
	session Session
	pongs   [exchanges]ink.Pong // a ring
	sent    int                 // PONGs
}

func (c *pen) welcome(ctx context.Context) ([]byte, error) {
	head, err := c.session.Durable(ctx, capture.StreamPen)
	if err != nil {
		return nil, err
	}
	return ink.Welcome{Nonce: c.nonce, Head: head}.Append(nil), nil
}

func (*pen) ack(head capture.Head) []byte { return ink.AppendAck(make([]byte, 0, 48), head) }

func (*pen) bulk(msg []byte) bool { return ink.KindOf(msg) == ink.KindBatch }

// take takes in one message of the client.
func (c *pen) take(ctx context.Context, msg []byte) error {
	switch ink.KindOf(msg) {
	case ink.KindBatch:
		return c.batch(ctx, msg)
	case ink.KindPing:
		return c.ping(ctx, msg)
	case ink.KindDevice:
		return c.device(ctx, msg)
	case ink.KindFinish:
		return c.finish(ctx, msg)
	}
	return closeUnknown
}

func (c *pen) batch(ctx context.Context, msg []byte) error {
	p, err := c.session.AppendPen(ctx, msg, c.session.Now())
	if err != nil {
		return err
	}
	c.stored(p)
	return nil
}

func (c *pen) ping(ctx context.Context, msg []byte) error {
	pong := ink.Pong{ServerReceive: c.session.Now()}
	ping, err := ink.ParsePing(msg)
	if err != nil {
		return err
	}
	if ping.LastReceive != 0 {
		if err := c.exchanged(ctx, ping); err != nil {
			return err
		}
	}
	pong.ClientSend, pong.ServerSend = ping.ClientSend, c.session.Now()
	c.pongs[c.sent%exchanges] = pong
	c.sent++
	return c.write(pong.Append(nil))
}

// exchanged keeps the four times of an exchange that is now complete. Both of
// the server's come from its own memory.
func (c *pen) exchanged(ctx context.Context, ping ink.Ping) error {
	for i := range min(c.sent, exchanges) {
		pong := &c.pongs[i]
		if pong.ClientSend == ping.LastSend && pong.ServerSend != 0 {
			x := capture.ClockExchange{
				ClientSend: pong.ClientSend, ServerReceive: pong.ServerReceive,
				ServerSend: pong.ServerSend, ClientReceive: ping.LastReceive,
			}
			*pong = ink.Pong{}
			return c.note(ctx, capture.Control{Kind: capture.ControlClock, Clock: &x})
		}
	}
	return nil
}

func (c *pen) device(ctx context.Context, msg []byte) error {
	facts, err := ink.ParseDevice(msg)
	if err != nil {
		return err
	}
	return c.note(ctx, capture.Control{Kind: capture.ControlPen, Pen: &facts})
}

// note keeps a control record. A finished session needs no more of them.
func (c *pen) note(ctx context.Context, record capture.Control) error {
	payload, err := json.Marshal(record)
	if err != nil {
		return err
	}
	_, err = c.session.Note(ctx, payload)
	if errors.Is(err, capture.ErrFinished) {
		return nil
	}
	return err
}

// finish ends the stream if the client has the same one, and sends the receipt.
func (c *pen) finish(ctx context.Context, msg []byte) error {
	theirs, err := ink.ParseFinish(msg)
	if err != nil {
		return err
	}
	ours, err := c.session.Durable(ctx, capture.StreamPen)
	if err != nil {
		return err
	}
	if theirs != ours {
		return closeHead
	}
	if ours, err = c.session.FinishStream(ctx, capture.StreamPen); err != nil {
		return err
	}
	receipt, err := ink.SignReceipt(c.h.cfg.Key, c.id, c.nonce, ours)
	if err != nil {
		return err
	}
	return c.write(receipt.Append(nil))
}
