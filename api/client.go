package api

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// Languages are those of every page, mail and text, the first one by default.
func Languages() []string { return []string{"en", "fr", "zh-Hant", "zh-Hans"} }

// language returns the first of Accept-Language that we speak, empty when none.
// Quality values are ignored: browsers send the list in order.
func language(header string) string {
	for _, part := range strings.SplitN(header, ",", 20) {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		if l := matchLanguage(strings.ToLower(tag)); l != "" {
			return l
		}
	}
	return ""
}

func matchLanguage(tag string) string {
	main, rest, _ := strings.Cut(tag, "-")
	switch {
	case main == "zh" && (strings.HasPrefix(rest, "hant") || slices.Contains([]string{"tw", "hk", "mo"}, rest)):
		return "zh-Hant"
	case main == "zh":
		return "zh-Hans"
	case main == "en" || main == "fr":
		return main
	}
	return ""
}

// browser names family and system, enough for a person to know their own
// browser in a notice, and too little to follow anybody.
func browser(agent string) string {
	pick := func(names ...[2]string) string {
		for _, n := range names {
			if strings.Contains(agent, n[0]) {
				return n[1]
			}
		}
		return ""
	}
	family := pick([2]string{"Edg/", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"Firefox/", "Firefox"},
		[2]string{"FxiOS/", "Firefox"}, [2]string{"Chrome/", "Chrome"}, [2]string{"CriOS/", "Chrome"}, [2]string{"Safari/", "Safari"})
	system := pick([2]string{"iPad", "iPad"}, [2]string{"iPhone", "iPhone"}, [2]string{"Android", "Android"},
		[2]string{"Windows", "Windows"}, [2]string{"Mac OS X", "macOS"}, [2]string{"CrOS", "ChromeOS"}, [2]string{"Linux", "Linux"})
	switch {
	case family == "" && system == "":
		return "unknown"
	case family == "":
		return system
	case system == "":
		return family
	}
	return family + " on " + system
}

// Networks are what a limit counts of an address: itself, or of IPv6 the /64 that
// one subscriber may use freely (RFC 6177). The site is the /48 around it, which may do
// SiteFactor times as much; IPv4 has none. What is no address stays as it is.
func Networks(address string) (network, site string) {
	a, err := netip.ParseAddr(address)
	if err != nil || !a.Unmap().Is6() {
		return address, ""
	}
	a = a.WithZone("")
	return netip.PrefixFrom(a, 64).Masked().String(), netip.PrefixFrom(a, 48).Masked().String()
}

// SiteFactor is how many times more than one network a site may do.
const SiteFactor = 10
