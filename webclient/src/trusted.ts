// The one Trusted Types policy of the pages. It lets a script address pass only
// when it is one of our own origin; everything else throws.
interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown };
}

const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
const policy = factory?.createPolicy('inkwitness', { createScriptURL: ownOrigin });

export function scriptURL(url: string): string {
  return (policy ? policy.createScriptURL(url) : ownOrigin(url)) as string;
}

function ownOrigin(url: string): string {
  const absolute = new URL(url, location.href);
  if (absolute.origin !== location.origin) throw new TypeError('script of a foreign origin');
  return absolute.href;
}
