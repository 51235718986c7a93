package report

import (
	"inkwitness/api/dispute"
	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/evidence"
)

// words are a report's in one language. A phrase that a language lacks fails the
// test.
type words struct {
	title, reference, state, begun, question, parties, summary, notCompared, meaning                string
	drawings, drawingNote, closed, curves, solid, dashed, pressure, speed                           string
	comparison, comparedAt, removed, ratio, interval, threshold, between, score, model, calibration string
	same, different, hypothesisSame, hypothesisDifferent, clamped, uncalibrated                     string
	noSupport, supportSame, supportDifferent                                                        string
	feature, value, mean, spread, featureNote                                                       string
	quality, signature, tool, points, rate, gap, levels, scale, metric, nominal, unknown, units     string
	unscaled, notDrawn                                                                              string
	origins, part, origin, document, person, file, note, signed, added, notes, verified             string
	custody, line, when, what, who, hash, custodyNote, limits                                       string

	strengths  map[string]string
	outcomes   map[biometrics.Outcome]string
	tools      map[capture.PointerType]string
	parts      map[dispute.Part]string
	originsOf  map[dispute.Origin]string
	statuses   map[evidence.Status]string
	limitLines []string
}

var texts = map[string]words{"en": english, "fr": french, "zh-Hant": traditional, "zh-Hans": simplified}

var english = words{
	title: "Report on disputed signatures", reference: "Case", state: "State of the case", begun: "Case begun",
	question: "Question", parties: "What the parties say", summary: "Summary of the findings",
	notCompared: "No comparison was made in this case.",
	meaning:     "A likelihood ratio says how much better one explanation fits the findings than the other. It is not the probability that a person signed: that also depends on all other evidence of the case.",
	drawings:    "The signatures", drawingNote: "All at one scale, as wide as the pressure says. In-air movement is not drawn.",
	closed: "could not be read when the report was made, and is not drawn.", curves: "Curves", solid: "Solid:", dashed: "dashed:", pressure: "Pressure", speed: "Speed",
	comparison: "Comparison", comparedAt: "Made on %s with the references %s.", removed: "(removed)",
	ratio: "Likelihood ratio, power of ten", interval: "%s (95 %% interval %s to %s)", threshold: "Thresholds, powers of ten", between: "below %s, above %s: %s",
	score: "Score before calibration", model: "Model", calibration: "Calibration", same: "First explanation", different: "Second explanation",
	hypothesisSame:      "The writer of the references wrote the questioned signature in their usual way.",
	hypothesisDifferent: "Another person wrote the questioned signature, having practised to imitate the writer of the references.",
	clamped:             "The score lies outside what the calibration has seen; the ratio is held at its end.",
	uncalibrated:        "There was no calibration for this kind of device: the figures are a rough guide only.",
	noSupport:           "The findings support neither side.",
	supportSame:         "The findings give %s support that the writer of the references signed, rather than another person.",
	supportDifferent:    "The findings give %s support that another person signed, rather than the writer of the references.",
	strengths:           map[string]string{"weak": "weak", "moderate": "moderate", "moderately-strong": "moderately strong", "strong": "strong", "very-strong": "very strong", "extremely-strong": "extremely strong"},
	outcomes:            map[biometrics.Outcome]string{biometrics.Accept: "above the threshold", biometrics.Reject: "below the threshold", biometrics.Inconclusive: "inconclusive"},
	feature:             "Feature", value: "Questioned", mean: "References, mean", spread: "Spread", featureNote: "z = (questioned - mean) / spread. The spread is that of the references, shrunk towards the population's.",
	quality: "Data quality", signature: "Signature", tool: "Made with", points: "Samples", rate: "Rate, Hz", gap: "Longest gap, ms", levels: "Pressure levels", scale: "Scale", metric: "metric", nominal: "nominal", unknown: "unknown",
	units:    "units",
	unscaled: "%s: no scale is known, so lengths cannot be compared. Each is drawn at a scale of its own.",
	notDrawn: "Of %s only the pressure is drawn: its lengths have no unit in common with %s.",
	tools:    map[capture.PointerType]string{capture.Pen: "pen", capture.Touch: "finger", capture.Mouse: "mouse", capture.Unknown: "unknown"},
	origins:  "Origin and hashes", part: "In this case", parts: map[dispute.Part]string{dispute.Questioned: "questioned", dispute.Reference: "reference"}, origin: "From",
	originsOf: map[dispute.Origin]string{dispute.FromDeposit: "recorded by this service", dispute.FromContainer: "a letter of deposit, brought as a file", dispute.FromFile: "an exported signature, brought as a file"},
	document:  "Document", person: "Name", file: "File", note: "Where it comes from", signed: "Signed, as the source says", added: "Came into the case", notes: "Notes of the investigator",
	statuses: map[evidence.Status]string{evidence.Fails: "does not hold", evidence.Unknown: "open", evidence.Holds: "holds"}, verified: "Verification of the deposit at its import: %d of %d points hold.",
	custody: "Chain of custody", line: "No.", when: "When", what: "What", who: "Who", hash: "Hash",
	custodyNote: "Each line carries a hash over itself and all lines before it. Listed up to the last change of the case; later readings, exports and reports are in the service's record.",
	limits:      "What this report does not say",
	limitLines: []string{
		"It does not say who signed. It weighs two explanations; whoever decides also knows the rest of the case.",
		"A skilled imitation, illness, age, another pen or another surface can make a genuine signature unlike its references, and the second explanation knows one kind of forger only.",
		"The interval covers the choice of people on whom the calibration was made, not every way in which this case may differ from them.",
		"Lengths are nominal where the device does not tell its scale; a device can also smooth or lose samples before they are recorded.",
		"What was brought along as a file proves what the file holds, not how it was made, unless its deposit was verified.",
	},
}

var french = words{
	title: "Rapport sur des signatures contestées", reference: "Dossier", state: "État du dossier", begun: "Dossier commencé",
	question: "Question", parties: "Ce que disent les parties", summary: "Résumé des constats",
	notCompared: "Aucune comparaison n’a été faite dans ce dossier.",
	meaning:     "Un rapport de vraisemblance dit à quel point une explication rend mieux compte des constats que l’autre. Ce n’est pas la probabilité qu’une personne ait signé : elle dépend aussi de toutes les autres preuves de l’affaire.",
	drawings:    "Les signatures", drawingNote: "Toutes à la même échelle, l’épaisseur selon la pression. Les mouvements en l’air ne sont pas dessinés.",
	closed: "n’était pas lisible quand le rapport a été établi ; elle n’est pas dessinée.", curves: "Courbes", solid: "Trait plein :", dashed: "tirets :", pressure: "Pression", speed: "Vitesse",
	comparison: "Comparaison", comparedAt: "Faite le %s avec les références %s.", removed: "(retirée)",
	ratio: "Rapport de vraisemblance, puissance de dix", interval: "%s (intervalle à 95 %% : %s à %s)", threshold: "Seuils, puissances de dix", between: "sous %s, au-dessus de %s : %s",
	score: "Score avant étalonnage", model: "Modèle", calibration: "Étalonnage", same: "Première explication", different: "Seconde explication",
	hypothesisSame:      "L’auteur des références a écrit la signature contestée de sa manière habituelle.",
	hypothesisDifferent: "Une autre personne a écrit la signature contestée, après s’être exercée à imiter l’auteur des références.",
	clamped:             "Le score sort de ce que l’étalonnage a vu ; le rapport est maintenu à son extrémité.",
	uncalibrated:        "Il n’y avait pas d’étalonnage pour ce type d’appareil : les chiffres ne sont qu’indicatifs.",
	noSupport:           "Les constats ne soutiennent ni l’une ni l’autre explication.",
	supportSame:         "Les constats soutiennent de façon %s que l’auteur des références a signé, plutôt qu’une autre personne.",
	supportDifferent:    "Les constats soutiennent de façon %s qu’une autre personne a signé, plutôt que l’auteur des références.",
	strengths:           map[string]string{"weak": "faible", "moderate": "modérée", "moderately-strong": "assez forte", "strong": "forte", "very-strong": "très forte", "extremely-strong": "extrêmement forte"},
	outcomes:            map[biometrics.Outcome]string{biometrics.Accept: "au-dessus du seuil", biometrics.Reject: "sous le seuil", biometrics.Inconclusive: "indécis"},
	feature:             "Caractéristique", value: "Contestée", mean: "Références, moyenne", spread: "Dispersion", featureNote: "z = (contestée - moyenne) / dispersion. La dispersion est celle des références, ramenée vers celle de la population.",
	quality: "Qualité des données", signature: "Signature", tool: "Fait avec", points: "Échantillons", rate: "Fréquence, Hz", gap: "Plus long trou, ms", levels: "Niveaux de pression", scale: "Échelle", metric: "métrique", nominal: "nominale", unknown: "inconnue",
	units:    "unités",
	unscaled: "%s : échelle inconnue, les longueurs ne se comparent pas. Chacune est dessinée à sa propre échelle.",
	notDrawn: "De %s, seule la pression est dessinée : ses longueurs n’ont pas d’unité commune avec %s.",
	tools:    map[capture.PointerType]string{capture.Pen: "stylet", capture.Touch: "doigt", capture.Mouse: "souris", capture.Unknown: "inconnu"},
	origins:  "Origine et empreintes", part: "Dans ce dossier", parts: map[dispute.Part]string{dispute.Questioned: "contestée", dispute.Reference: "référence"}, origin: "Provenance",
	originsOf: map[dispute.Origin]string{dispute.FromDeposit: "enregistrée par ce service", dispute.FromContainer: "une lettre de dépôt, apportée en fichier", dispute.FromFile: "une signature exportée, apportée en fichier"},
	document:  "Document", person: "Nom", file: "Fichier", note: "D’où elle vient", signed: "Signée, selon la source", added: "Entrée au dossier", notes: "Notes de l’enquêteur",
	statuses: map[evidence.Status]string{evidence.Fails: "ne tient pas", evidence.Unknown: "ouvert", evidence.Holds: "tient"}, verified: "Vérification du dépôt à son entrée : %d points sur %d tiennent.",
	custody: "Chaîne de conservation", line: "Nº", when: "Quand", what: "Quoi", who: "Qui", hash: "Empreinte",
	custodyNote: "Chaque ligne porte une empreinte d’elle-même et de toutes les lignes précédentes. Liste arrêtée au dernier changement du dossier ; lectures, exports et rapports ultérieurs sont au journal du service.",
	limits:      "Ce que ce rapport ne dit pas",
	limitLines: []string{
		"Il ne dit pas qui a signé. Il pèse deux explications ; qui décide connaît aussi le reste de l’affaire.",
		"Une imitation habile, la maladie, l’âge, un autre stylet ou une autre surface peuvent éloigner une signature authentique de ses références, et la seconde explication ne connaît qu’une sorte de faussaire.",
		"L’intervalle couvre le choix des personnes sur lesquelles l’étalonnage a été fait, non tout ce en quoi cette affaire peut en différer.",
		"Les longueurs sont nominales quand l’appareil n’indique pas son échelle ; un appareil peut aussi lisser ou perdre des échantillons avant l’enregistrement.",
		"Un fichier apporté prouve ce qu’il contient, non comment il a été fait, sauf si son dépôt a été vérifié.",
	},
}
