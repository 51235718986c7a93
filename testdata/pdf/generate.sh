#!/usr/bin/env bash
# Writes the PDFs of this folder anew, with the tools of Debian 12. The files
# are kept in the repository: tests read those, and do not need the tools.
# Bytes differ from run to run where a tool writes the time or random names.
set -euo pipefail
cd "$(dirname "$0")"
export SOURCE_DATE_EPOCH=1795392000 FORCE_SOURCE_DATE=1 TZ=UTC
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
tex() { # engine, source, target
	(cd src && "$1" -interaction=batchmode -output-directory "$work" "$2.tex" >/dev/null)
	(cd src && "$1" -interaction=batchmode -output-directory "$work" "$2.tex" >/dev/null)
	[ "$1" = latex ] || cp "$work/$2.pdf" "$3"
}
office() { # filter options, source, target
	HOME=$work soffice -env:UserInstallation=file://"$work"/lo --headless --convert-to "$1" --outdir "$work" "src/$2" >/dev/null 2>&1
	cp "$work/${2%.*}.pdf" "$3"
}

office pdf:writer_pdf_Export letter.fodt libreoffice-letter.pdf
office 'pdf:writer_pdf_Export:{"SelectPdfVersion":{"type":"long","value":"2"}}' letter.fodt libreoffice-pdfa2.pdf
office pdf:calc_pdf_Export sheet.csv libreoffice-sheet.pdf
/usr/bin/python3 src/shapes.py
tex pdflatex article pdflatex-article.pdf
tex pdflatex old pdflatex-old.pdf
tex xelatex cjk xelatex-cjk.pdf
tex lualatex article lualatex-article.pdf
tex latex article -
dvipdfmx -q -o dvipdfmx-article.pdf "$work/article.dvi"
groff -ms -Tps src/manual.ms | ps2pdf - groff-form.pdf
gs -q -dNOPAUSE -dBATCH -sDEVICE=pdfwrite -o ghostscript-flyer.pdf src/flyer.ps
gs -q -dNOPAUSE -dBATCH -sDEVICE=pdfwrite -dPDFA=1 -sColorConversionStrategy=RGB -o ghostscript-resaved.pdf libreoffice-sheet.pdf
chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/c" --no-pdf-header-footer --print-to-pdf=chromium-invoice.pdf src/invoice.html >/dev/null 2>&1
inkscape --export-type=pdf -o inkscape-drawing.pdf src/drawing.svg >/dev/null 2>&1
pdftoppm -r 72 -gray -png -singlefile libreoffice-letter.pdf "$work/scan"
mutool convert -o "$work/scan.pdf" "$work/scan.png"
mutool clean -z -i "$work/scan.pdf" mutool-scan.pdf
qpdf --linearize --deterministic-id pdflatex-article.pdf qpdf-linearized.pdf
qpdf --linearize --object-streams=generate --deterministic-id libreoffice-letter.pdf qpdf-linearized-streams.pdf
qpdf --object-streams=generate --deterministic-id chromium-invoice.pdf qpdf-object-streams.pdf
qpdf --qdf --deterministic-id ghostscript-flyer.pdf qpdf-qdf.pdf
qpdf --deterministic-id --empty --pages pdflatex-old.pdf 1 cairo-sizes.pdf 1-3 own-rotated.pdf 1-z -- --rotate=+90:2 qpdf-merged.pdf
mutool clean -gggg -z -i -f cairo-cjk.pdf mutool-clean.pdf
mutool create -o mutool-create.pdf src/create.txt
qpdf --encrypt '' owner 256 -- --object-streams=generate pdflatex-article.pdf bad/encrypted-no-password.pdf
qpdf --encrypt user owner 256 -- pdflatex-old.pdf bad/encrypted-aes256.pdf
qpdf --allow-weak-crypto --encrypt '' owner 40 -- pdflatex-old.pdf bad/encrypted-rc4.pdf
qpdf pdflatex-old.pdf --add-attachment src/sheet.csv -- bad/attachment.pdf
go run own.go
cp ../vectors/pdf/ok-bt.pdf bad/signed.pdf
