package tsa

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"inkwitness/capture"
)

// NTP asks a time server (RFC 4330, SNTP).
type NTP struct {
	Addr  string // host:port, port 123 as a rule
	Clock capture.Clock
}

// ntpEpoch is 1900-01-01 in seconds before 1970 (RFC 4330, section 3).
const ntpEpoch = 2_208_988_800

// Offset implements Reference.
func (n NTP) Offset(ctx context.Context) (ahead, within time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", n.Addr)
	if err != nil {
		return 0, 0, fmt.Errorf("ask time server: %w", err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return 0, 0, fmt.Errorf("ask time server: %w", err)
		}
	}
	var packet [48]byte
	packet[0] = 4<<3 | 3 // version 4, client
	sent := n.Clock.Now()
	binary.BigEndian.PutUint64(packet[40:], toNTP(sent))
	if _, err := conn.Write(packet[:]); err != nil {
		return 0, 0, fmt.Errorf("ask time server: %w", err)
	}
	var answer [48]byte
	if got, err := conn.Read(answer[:]); err != nil || got < len(answer) {
		return 0, 0, fmt.Errorf("time server: %w", ErrNoAnswer)
	}
	return offset(packet, answer, sent, n.Clock.Now())
}

// offset is ((T2 - T1) + (T3 - T4)) / 2 of RFC 4330, section 5. It is wrong by no
// more than half the round trip, half the server's own round trip to its
// reference, and the server's dispersion (RFC 5905, section 11.2). The answer
// must repeat our time stamp, so that nobody else's packet is taken.
func offset(sentPacket, answer [48]byte, t1, t4 time.Time) (ahead, within time.Duration, err error) {
	mode, stratum := answer[0]&7, answer[1]
	if mode != 4 || stratum == 0 || stratum > 15 || answer[0]>>6 == 3 || [8]byte(answer[24:32]) != [8]byte(sentPacket[40:48]) {
		return 0, 0, fmt.Errorf("time server: %w", ErrNoAnswer)
	}
	t1, t4 = t1.Round(0), t4.Round(0)
	t2, t3 := fromNTP(binary.BigEndian.Uint64(answer[32:]), t1), fromNTP(binary.BigEndian.Uint64(answer[40:]), t1)
	within = (max(t4.Sub(t1)-t3.Sub(t2), 0)+short(answer[4:]))/2 + short(answer[8:])
	if within > Accuracy {
		return 0, 0, fmt.Errorf("time server knows the time to %v only: %w", within, ErrNoAnswer)
	}
	return (t2.Sub(t1) + t3.Sub(t4)) / 2, within, nil
}

// short reads a time in the short format (RFC 5905, section 6): seconds in 16.16 bits.
func short(b []byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint32(b)) * time.Second >> 16
}

func toNTP(t time.Time) uint64 {
	return uint64(t.Unix()+ntpEpoch)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// fromNTP picks the era (136 years) nearest to the local time, for after 2036.
func fromNTP(v uint64, near time.Time) time.Time {
	local := uint32(near.Unix() + ntpEpoch)
	seconds := near.Unix() + int64(int32(uint32(v>>32)-local))
	return time.Unix(seconds, int64(v&0xffffffff*1e9>>32))
}
