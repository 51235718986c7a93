import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { LATE } from './src/ui/away.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// The character maps, fonts, colour profiles and decoders that pdf.js loads by
// name at run time. They are served by us: no request leaves this origin.
function pdfjsFiles(): Plugin {
  return {
    name: 'pdfjs-files',
    apply: 'build',
    writeBundle(options) {
      for (const folder of ['cmaps', 'standard_fonts', 'iccs', 'wasm']) {
        cpSync(here(`node_modules/pdfjs-dist/${folder}`), `${options.dir}/pdfjs/${folder}`, { recursive: true });
      }
    },
  };
}

// The embedded folder must exist before the first build, so its .keep stays.
function keepFolder(): Plugin {
  return {
    name: 'keep-folder',
    apply: 'build',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: '.keep', source: '' });
    },
  };
}

// What a page shows until its program runs: the bar that it will have, and, if the
// program does not come (the service went away, a network ate it), a word about it
// that style alone brings out after some seconds. It must be in the HTML itself, and has
// nothing that moves when the page's own bar grows.
function frame(): Plugin {
  const words = Object.entries(LATE).map(([tag, text]) => `<p lang="${tag}">${text}</p>`).join('');
  const shell = `<div class="shell"><header class="shell-bar"><span class="shell-brand"><img src="/icon.svg" width="28" height="28" alt="" />Inkwitness</span></header><div class="shell-late">${words}</div></div>`;
  return {
    name: 'frame',
    transformIndexHtml: (html) => html.replace('<div id="app"></div>', `<div id="app">${shell}</div>`),
  };
}

// The classic scripts: src/start.ts stands in every page, where it cannot be lost alone
// (the content policy allows it by its hash); src/offline.ts is a file for /offline.html.
function watchers(): Plugin {
  let start = '';
  const classic = async (name: string) => {
    const built = await build({
      configFile: false, logLevel: 'warn', publicDir: false,
      build: { write: false, target: TARGET, modulePreload: false, lib: { entry: here(`src/${name}.ts`), formats: ['iife'], name: 'inkwitness' } },
    });
    const [output] = [built].flat() as { output: { code: string }[] }[];
    return output!.output[0]!.code;
  };
  return {
    name: 'watchers',
    apply: 'build',
    async buildStart() {
      start = await classic('start');
      this.emitFile({ type: 'asset', fileName: 'offline.js', source: await classic('offline') });
    },
    // Before everything that can be lost, so that it hears of it.
    transformIndexHtml: (html) => html.replace('<meta charset="utf-8" />', (charset) => `${charset}<script>${start.trim()}</script>`),
  };
}

const TARGET = ['chrome115', 'firefox115', 'safari16.4'];

export default defineConfig({
  plugins: [pdfjsFiles(), keepFolder(), frame(), watchers()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  build: {
    target: TARGET,
    assetsInlineLimit: 0, // nothing as data: URLs, the policy would refuse script and style
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500, // pdf.js and its worker, loaded after the page stands
    rolldownOptions: {
      input: {
        index: here('index.html'),
        sign: here('sign.html'),
        compare: here('compare.html'),
        verify: here('verify.html'),
        sw: here('src/sw.ts'),
      },
      // The service worker's address must stay the same.
      output: { entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts', 'src/**/*.test.tsx'],
    restoreMocks: true,
  },
});
