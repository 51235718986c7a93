package sms

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"inkwitness/api"
)

func TestCountry(t *testing.T) {
	for number, want := range map[string]string{
		"+12125550100": "+1", "+18765550100": "+1", "+79161234567": "+7", "+33612345678": "+33", "+351912345678": "+351",
		"+352621123456": "+352", "+353851234567": "+353", "+358401234567": "+358", "+886912345678": "+886", "+8613812345678": "+86",
		"+85261234567": "+852", "+211912345678": "+211", "+27821234567": "+27", "+37499123456": "+374",
	} {
		if got := country(number); got != want {
			t.Errorf("%s is of %s, want %s", number, got, want)
		}
	}
}

// TestLimitsOfCountriesAndOrganisations: what one organisation sends does not stop
// another, and what goes to one country does not stop its neighbour.
func TestLimitsOfCountriesAndOrganisations(t *testing.T) {
	c, _, clock, _ := newCodes(t)
	c.cfg.Countries = nil
	n := 0
	send := func(organisation, prefix string) error {
		n++
		return c.Send(t.Context(), Ask{Organisation: organisation, Session: fmt.Sprint("s", n), Number: fmt.Sprintf("%s%07d", prefix, n), Document: "Lease", Language: "en"})
	}
	upTo := func(what string, most int, organisation func(int) string, prefix string) {
		t.Helper()
		for i := range most {
			if err := send(organisation(i), prefix); err != nil {
				t.Fatalf("%s: message %d: %v", what, i+1, err)
			}
		}
		if err := send(organisation(most-1), prefix); !errors.Is(err, api.ErrTooMany) {
			t.Errorf("%s: message %d: %v", what, most+1, err)
		}
	}
	upTo("one organisation", 200, func(int) string { return "greedy" }, "+351")
	if err := send("other", "+351"); err != nil {
		t.Errorf("another organisation to the same country: %v", err)
	}
	clock.Advance(time.Hour)
	upTo("one country", 500, func(i int) string { return fmt.Sprint("o", i/100) }, "+352")
	for _, neighbour := range []string{"+351", "+353", "+358", "+1"} {
		if err := send("other", neighbour); err != nil {
			t.Errorf("%s when +352 is used up: %v", neighbour, err)
		}
	}
}
