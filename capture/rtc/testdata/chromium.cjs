// node chromium.cjs URL FUNCTION ARGUMENT: runs a function of the page in
// Chromium and prints its result as JSON.
const { chromium } = require('../../../webclient/node_modules/playwright-core');

(async () => {
  const [url, name, argument] = process.argv.slice(2);
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required'],
  });
  try {
    const page = await browser.newPage();
    await page.goto(url);
    console.log(JSON.stringify(await page.evaluate(`${name}(${argument})`)));
  } finally {
    await browser.close();
  }
})().catch(error => { console.error(error); process.exit(1); });
