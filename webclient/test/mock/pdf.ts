// A small PDF for the page tests: `pages` pages of text, the last one stored
// sideways and turned by /Rotate, as scanners do.
export function makePDF(pages: number, title: string): Uint8Array {
  const objects: string[] = [];
  const kids = Array.from({ length: pages }, (_, i) => `${4 + 2 * i} 0 R`).join(' ');
  objects.push('<< /Type /Catalog /Pages 2 0 R >>', `<< /Type /Pages /Kids [${kids}] /Count ${pages} >>`);
  objects.push('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
  for (let i = 0; i < pages; i++) {
    const turned = i === pages - 1 && pages > 1;
    const box = turned ? '[0 0 842 595]' : '[0 0 595 842]';
    const matrix = turned ? '0 1 -1 0 842 0 cm' : '';
    const content = `q ${matrix} BT /F1 20 Tf 60 760 Td (${title}, page ${i + 1}) Tj /F1 11 Tf 0 -40 Td ${lines(i)} ET Q`;
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox ${box} ${turned ? '/Rotate 270' : ''} /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + 2 * i} 0 R >>`,
      `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    );
  }
  return assemble(objects);
}

function lines(page: number): string {
  const words = 'The parties agree that this text exists to be read on a screen, page by page, before it is signed.'.split(' ');
  return Array.from({ length: 28 }, (_, i) => `(${[...words.slice((i + page) % 7), ...words.slice(0, (i + page) % 7)].join(' ')}) Tj 0 -20 Td`).join(' ');
}

function assemble(objects: string[]): Uint8Array {
  let text = '%PDF-1.7\n';
  const offsets = objects.map((object, i) => {
    const at = text.length;
    text += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const start = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  text += offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return new TextEncoder().encode(text);
}
