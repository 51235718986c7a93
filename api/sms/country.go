package sms

import "strings"

// Calling codes of ITU-T E.164 with one and two digits (list of 15 December 2016, unchanged
// since). All others have three.
const shortCodes = " 1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "

// country is the calling code of a number, as "+351". Numbers of one code share it: +1 is
// North America with its islands, +7 Russia with Kazakhstan.
func country(number string) string {
	digits := strings.TrimPrefix(number, "+")
	for n := 1; n <= 2; n++ {
		if strings.Contains(shortCodes, " "+digits[:n]+" ") {
			return "+" + digits[:n]
		}
	}
	return "+" + digits[:3]
}
