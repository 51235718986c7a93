package ws

import (
	"context"

	"inkwitness/capture"
	"inkwitness/capture/webm"
)

// mediaProtocol is inkwitness.media.v1.
var mediaProtocol = protocol{name: webm.Protocol, maxMessage: webm.MaxMessage, talk: func(c *conn, a Admission) talk {
	return &chunks{conn: c, intake: webm.NewIntake(a.Media, a.Nonce, c.h.cfg.MaxMedia)}
}}

// chunks is the talk of a connection with a MediaRecorder.
type chunks struct {
	*conn
	intake *webm.Intake
}

func (c *chunks) welcome(ctx context.Context) ([]byte, error) { return c.intake.Welcome(ctx) }

func (*chunks) ack(head capture.Head) []byte { return webm.Ack(head) }

// bulk: all messages are chunks but the last.
func (*chunks) bulk([]byte) bool { return true }

func (c *chunks) take(ctx context.Context, msg []byte) error {
	p, err := c.intake.Take(ctx, msg)
	if err != nil {
		return err
	}
	c.stored(p)
	return nil
}
